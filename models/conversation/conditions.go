package conversation

import (
	"cmp"
	"encoding/hex"
	"time"
)

// Conditions are those of a search as the audit log keeps them. The customer stands under the keyed name only.
// What a person types may be anything, a telephone number in the wrong field too, and the log is for ever: of
// words, tags and agents it keeps how many there were.
func (v Vault) Conditions(q Query) map[string]any {
	data := map[string]any{}
	put := func(key string, v []string) {
		if len(v) > 0 {
			data[key] = v
		}
	}
	put("service_types", q.ServiceTypes)
	put("platforms", q.Platforms)
	put("personal", q.Personal)
	if q.Least > 0 {
		data["least_messages"] = q.Least
	}
	if q.Most > 0 {
		data["most_messages"] = q.Most
	}
	if q.Attached != "" {
		data["attached"] = string(q.Attached)
	}
	if q.Sensitive != "" {
		data["sensitive"] = string(q.Sensitive)
	}
	if len(q.Languages) > 0 {
		data["languages"] = q.Languages
	}
	w := q.Words
	data["tags"], data["agents"] = len(q.Tags)+len(w.Tags)+len(w.WithoutTags), len(q.AgentIDs)+len(w.Agents)
	if n := len(w.All) + len(w.None); n > 0 {
		data["words"] = n
	}
	if customer := cmp.Or(q.Customer, w.Customer); customer != "" {
		data["customer"] = hex.EncodeToString(v.CustomerMAC(customer)[:8])
	}
	if !q.From.IsZero() {
		data["from"] = q.From.UTC().Format(time.RFC3339)
	}
	if !q.To.IsZero() {
		data["to"] = q.To.UTC().Format(time.RFC3339)
	}
	if !q.Departments.All {
		data["departments"] = q.Departments.Departments.Len()
	}
	return data
}
