package receive

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Identity names files: the certificate and key of a receiver with TLS, and the
// authority that whoever posts to it must trust (SSL_CERT_FILE).
type Identity struct {
	Certificate, Key, Authority string
}

// NewIdentity makes an authority and a certificate for 127.0.0.1 in a directory.
func NewIdentity(dir string) (Identity, error) {
	who := Identity{
		Certificate: filepath.Join(dir, "receiver.pem"), Key: filepath.Join(dir, "receiver-key.pem"),
		Authority: filepath.Join(dir, "authority.pem"),
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 7),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	receiver := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "bench receiver"},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return who, fmt.Errorf("make key: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return who, fmt.Errorf("make key: %w", err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return who, fmt.Errorf("encode key: %w", err)
	}
	if err := writePEM(who.Key, "PRIVATE KEY", encoded); err != nil {
		return who, err
	}
	for file, template := range map[string]*x509.Certificate{who.Authority: authority, who.Certificate: receiver} {
		public := &key.PublicKey
		if template.IsCA {
			public = &authorityKey.PublicKey
		}
		signed, err := x509.CreateCertificate(rand.Reader, template, authority, public, authorityKey)
		if err != nil {
			return who, fmt.Errorf("make certificate: %w", err)
		}
		if err := writePEM(file, "CERTIFICATE", signed); err != nil {
			return who, err
		}
	}
	return who, nil
}

func writePEM(file, kind string, content []byte) error {
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
