package ui

// look is how a state is drawn. The word says what it is; colour and icon repeat it.
type look struct{ kind, icon string }

// StatusKey is the catalogue key of a state: StatusKey("batch", "running").
// Areas: conversation, lock, batch, purge, certificate, hold, subject, rule, access, export, inspection,
// finding, check, connector, job.
func StatusKey(area, code string) string { return "status." + area + "." + code }

// statusLook finds the look of a state. A state without one is plain grey, which
// is what UX asks for normal states.
func statusLook(area, code string) look {
	return looks[area+"."+code]
}

// StatusLook is the colour and the icon of a state, for a badge with words of its own.
func StatusLook(area, code string) (kind, icon string) {
	l := statusLook(area, code)
	return l.kind, l.icon
}

var looks = map[string]look{
	"conversation.hidden":  {Outline, "eye-off"},
	"conversation.expired": {Warning, "hourglass"},
	"conversation.sealed":  {Primary, "shield-lock"},
	"conversation.frozen":  {Primary, "lock"},
	"conversation.purging": {Danger, "flame"},
	"conversation.purged":  {Outline, "flame"},

	"lock.held":     {Hold, "lock"},
	"lock.retained": {Primary, "calendar-time"},
	"lock.ordered":  {Warning, "shopping-cart"},

	"batch.draft":       {Outline, ""},
	"batch.scheduled":   {Primary, "clock"},
	"batch.running":     {Primary, "loader-2"},
	"batch.paused":      {Warning, "player-pause"},
	"batch.done":        {Success, "check"},
	"batch.partly_done": {Warning, "alert-circle"},
	"batch.undone":      {"", "arrow-back-up"},
	"batch.failed":      {Danger, "alert-triangle"},

	"purge.draft":                {Outline, ""},
	"purge.awaiting_supervisor":  {Warning, "hourglass"},
	"purge.awaiting_legal":       {Warning, "hourglass"},
	"purge.cooling_off":          {Warning, "hourglass"},
	"purge.awaiting_codes":       {Warning, "key"},
	"purge.running":              {Primary, "loader-2"},
	"purge.verifying":            {Primary, "shield-check"},
	"purge.done":                 {Success, "check"},
	"purge.done_with_exceptions": {Warning, "alert-circle"},
	"purge.replayed":             {Success, "history"},
	"purge.paused":               {Warning, "player-pause"},
	"purge.rejected":             {"", "x"},
	"purge.withdrawn":            {"", "arrow-back-up"},
	"purge.lapsed":               {"", "ban"},

	"retention.asked":     {Warning, "hourglass"},
	"retention.waiting":   {Primary, "clock"},
	"retention.applied":   {Success, "check"},
	"retention.rejected":  {Danger, "x"},
	"retention.cancelled": {Outline, ""},
	"retention.lapsed":    {Outline, ""},

	"certificate.pending":   {Warning, "hourglass"},
	"certificate.effective": {Success, "check"},

	"hold.pending":         {"", "clock"},
	"hold.active":          {Hold, "lock"},
	"hold.review_due":      {Warning, "clock"},
	"hold.review_overdue":  {Danger, "alert-triangle"},
	"hold.release_pending": {Primary, "lock-open"},
	"hold.release_buffer":  {Primary, "lock-pause"},
	"hold.released":        {Outline, "lock-open"},

	"subject.open":   {Primary, "clock"},
	"subject.done":   {Success, "check"},
	"subject.lifted": {Outline, "lock-open"},

	"rule.draft":          {Outline, ""},
	"rule.pending_review": {Warning, "clock"},
	"rule.enabled":        {Success, "check"},
	"rule.paused":         {Danger, "alert-triangle"},

	"access.asked":     {Warning, "clock"},
	"access.granted":   {Success, "eye-check"},
	"access.rejected":  {"", "x"},
	"access.withdrawn": {"", "arrow-back-up"},
	"access.lapsed":    {"", "ban"},
	"access.ended":     {Outline, ""},

	"export.awaiting_approval": {Warning, "clock"},
	"export.queued":            {"", "clock"},
	"export.building":          {Primary, "loader-2"},
	"export.ready":             {Success, "check"},
	"export.failed":            {Danger, "alert-triangle"},
	"export.expired":           {Outline, ""},
	"export.fetched":           {Primary, "package-export"},
	"export.recalled":          {Outline, "arrow-back-up"},
	"export.rejected":          {Outline, "ban"},

	"inspection.checking":         {Primary, "clipboard-check"},
	"inspection.remediation":      {Warning, "tool"},
	"inspection.awaiting_signoff": {Warning, "signature"},
	"inspection.signed":           {Success, "check"},

	"finding.remediation": {Warning, ""},
	"finding.recheck":     {Primary, ""},
	"finding.closed":      {Success, "check"},

	"check.passed":       {Success, "check"},
	"check.warning":      {Warning, "alert-circle"},
	"check.blocked":      {Danger, "ban"},
	"check.not_covered":  {Outline, ""},
	"check.not_verified": {"", ""},

	"connector.healthy": {Success, "check"},
	"connector.delayed": {Warning, "clock"},
	"connector.down":    {Danger, "plug-x"},

	"job.queued":    {"", "clock"},
	"job.running":   {Primary, "loader-2"},
	"job.paused":    {Warning, "player-pause"},
	"job.done":      {Success, "check"},
	"job.failed":    {Danger, "alert-triangle"},
	"job.cancelled": {Outline, ""},
}
