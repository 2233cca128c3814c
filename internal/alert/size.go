package alert

// Size returns how many bytes of text the alert has, in all of its fields.
func (a Alert) Size() int {
	n := len(a.DetectionID) + len(a.AlertID) + len(a.Link) + len(a.Title) + len(a.Name) + len(a.Description) +
		len(a.Runbook) + len(a.Version) + len(a.Context)
	lists := [...][]string{a.Tags, a.LogTypes, a.Altered, nil}
	if a.Override != nil {
		lists[3] = *a.Override
	}
	for _, list := range lists {
		for _, text := range list {
			n += len(text) + stringHeader
		}
	}
	return n
}

// stringHeader is what a text takes in a slice, beside its bytes.
const stringHeader = 16
