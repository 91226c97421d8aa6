package templates

// Addresses of the retention policy.
const (
	RetentionPath     = "/retention"
	RetentionEditPath = "/retention/edit"
)

// RetentionChangePath is the page of a change of the policy.
func RetentionChangePath(code string) string { return RetentionPath + "/changes/" + code }

// RetentionActPath is where an act on a change is sent: decide or cancel.
func RetentionActPath(code, act string) string { return RetentionChangePath(code) + "/" + act }
