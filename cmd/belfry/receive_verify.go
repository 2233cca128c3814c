package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// signatureTolerance is how far the time of a request may be from ours (Standard
// Webhooks 1.0.0 leaves the number to the receiver; its libraries use this one).
const signatureTolerance = 5 * time.Minute

// secrets returns the signing secrets that are given, decoded.
func (c *receiveCommand) secrets() ([][]byte, error) {
	if c.SecretFile == "" {
		return parseSecrets(c.Secret)
	}
	if len(c.Secret) > 0 {
		return nil, errors.New("BELFRY_SIGNING_SECRET and BELFRY_SIGNING_SECRET_FILE are both set; set one")
	}
	text, err := readSecret("BELFRY_SIGNING_SECRET_FILE", c.SecretFile)
	if err != nil {
		return nil, err
	}
	return parseSecrets(strings.Fields(text))
}

// parseSecrets decodes signing secrets. An error never quotes one.
func parseSecrets(secrets []string) ([][]byte, error) {
	var keys [][]byte
	for i, s := range secrets {
		text, ok := strings.CutPrefix(strings.TrimSpace(s), "whsec_")
		key, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(key) == 0 {
			return nil, fmt.Errorf("BELFRY_SIGNING_SECRET: number %d is not a signing secret: whsec_ and then base64", i+1)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// verify says what a request's signature is worth. It is what a receiver has to
// do: check the time, then compute the signature of id, time and body with each
// of its secrets and compare that with each one sent (Standard Webhooks 1.0.0).
func verify(keys [][]byte, h http.Header, body []byte, now time.Time) string {
	id, timestamp, signatures := h.Get("webhook-id"), h.Get("webhook-timestamp"), h.Get("webhook-signature")
	switch {
	case len(keys) == 0 && signatures == "":
		return "missing"
	case len(keys) == 0:
		return "not checked (no BELFRY_SIGNING_SECRET)"
	case id == "" || timestamp == "" || signatures == "":
		return "missing"
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return "WRONG (webhook-timestamp is not a number)"
	}
	if off := now.Sub(time.Unix(seconds, 0)); off.Abs() > signatureTolerance {
		return fmt.Sprintf("WRONG (webhook-timestamp is %s off)", off.Abs().Round(time.Second))
	}
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.", id, timestamp)
		mac.Write(body)
		want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		for sent := range strings.FieldsSeq(signatures) {
			if hmac.Equal([]byte(sent), []byte(want)) {
				return "ok"
			}
		}
	}
	return "WRONG"
}
