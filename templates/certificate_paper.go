package templates

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"qingdang/paper"
	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// CertificatePDF draws a certificate in the language of ctx. The same certificate gives the same
// bytes, whoever asks.
func CertificatePDF(ctx context.Context, v CertificateView) ([]byte, error) {
	return certificateDoc(ctx, v).PDF()
}

func certificateDoc(ctx context.Context, v CertificateView) paper.Doc {
	v.Reach.Now = v.IssuedAt // what is on paper does not change when time goes on
	lead := []string{certificateLead(ctx, v)}
	if v.Purged > 0 {
		lead = append(lead, locale.T(ctx, "certificate.effective_why"))
	}
	return paper.Doc{
		Owner: locale.T(ctx, "common.app") + " · " + v.Organisation, OwnerNote: locale.T(ctx, "common.tagline"),
		Code: v.Code, CodeNote: locale.T(ctx, "certificate.issued", locale.DateSec(ctx, v.IssuedAt), locale.ZoneName(ctx, v.IssuedAt)),
		Title: locale.T(ctx, "certificate.title"), Subtitle: locale.T(ctx, "certificate.title_other"),
		Stamp: locale.T(ctx, "certificate.effective", v.EffectiveAt),
		Lead:  lead, Sections: certificateSections(ctx, v),
		Foot:     []string{v.Code + ".json SHA-256 " + fingerprint(v.FileDigest), locale.T(ctx, "certificate.foot", v.Organisation, v.Code)},
		Page:     locale.T(ctx, "certificate.page"),
		Replaced: locale.T(ctx, "certificate.replaced"), Created: v.IssuedAt,
	}
}

func certificateLead(ctx context.Context, v CertificateView) string {
	key := "certificate.lead"
	if v.Purged == 0 {
		key = "certificate.lead_nothing"
	}
	return locale.T(ctx, key, v.Purged, v.Request, v.Messages, v.Attachments, locale.Bytes(ctx, v.Bytes))
}

// certificateSections are what the page and the PDF both show.
func certificateSections(ctx context.Context, v CertificateView) []paper.Section {
	title := func(key string) string { return locale.T(ctx, key) }
	return []paper.Section{
		{Title: title("certificate.list_section"), Facts: certificateList(ctx, v), Table: certificateDepartments(ctx, v)},
		{Title: title("certificate.result"), Facts: certificateResult(ctx, v)},
		certificateResidue(ctx, v),
		{Title: title("certificate.approvals"), Table: certificateSteps(ctx, v.Steps), Lines: certificateConsents(ctx, v)},
		{Title: title("certificate.verification"), Table: certificateChecks(ctx, v.Checks)},
		{Title: title("certificate.reach"), Table: certificateReach(ctx, v.Reach)},
		{Title: title("certificate.integrity"), Facts: certificateIntegrity(ctx, v)},
		{Title: title("certificate.notes"), Lines: certificateNotes(ctx, v.Notes)},
	}
}

func certificateList(ctx context.Context, v CertificateView) []paper.Fact {
	fact := func(key, text string) paper.Fact { return paper.Fact{Term: locale.T(ctx, key), Text: text} }
	facts := []paper.Fact{
		fact("purge.last_messages", locale.Range(ctx, v.LastFrom, v.LastTo)),
		fact("certificate.classes", certificateClasses(ctx, v.Classes)),
		fact("purge.reason", v.Reason),
	}
	if v.Incident != "" {
		facts = append(facts, fact("certificate.incident", locale.T(ctx, "certificate.incident_text", v.Incident)))
	}
	return append(facts,
		fact("purge.source_batches", strings.Join(v.Batches, locale.T(ctx, "common.list_mark"))),
		fact("purge.frozen_at", locale.DateSec(ctx, v.FrozenAt)),
		paper.Fact{Term: locale.T(ctx, "certificate.fingerprint"), Text: fingerprint(v.Root), Mono: true},
		fact("certificate.excluded", purgeReasons(ctx, v.Excluded)))
}

func certificateClasses(ctx context.Context, classes []CertificateClass) string {
	parts := make([]string, len(classes))
	for i, c := range classes {
		name := TypeWord(ctx, c.Name)
		if c.Name == "" {
			name = locale.T(ctx, "certificate.no_class")
		}
		parts[i] = name + " " + locale.N(ctx, c.N)
	}
	return strings.Join(parts, " · ")
}

func certificateDepartments(ctx context.Context, v CertificateView) *paper.Table {
	t := &paper.Table{Caption: locale.T(ctx, "purge.by_department"), Head: []paper.Column{
		{Text: locale.T(ctx, "purge.department"), Weight: 5}, {Text: locale.T(ctx, "purge.conversations"), Weight: 1, Number: true},
	}}
	for _, d := range v.Departments {
		t.Rows = append(t.Rows, []paper.Cell{{Text: departmentPath(d.Path)}, {Text: locale.N(ctx, d.Count)}})
	}
	return t
}

func certificateResult(ctx context.Context, v CertificateView) []paper.Fact {
	return []paper.Fact{
		{Term: locale.T(ctx, "purge.result"), Text: locale.T(ctx, "certificate.sum", v.Size, v.Purged, v.Skipped)},
		{Term: locale.T(ctx, "certificate.skips"), Text: purgeReasons(ctx, v.Skips)},
		{Term: locale.T(ctx, "certificate.outcome"), Text: fingerprint(v.OutcomeRoot), Mono: true},
		{Term: "", Text: locale.T(ctx, "certificate.outcome_text", v.Request)},
		{Term: locale.T(ctx, "certificate.keys"), Text: locale.T(ctx, "certificate.keys_text", v.Buckets, v.Survivors)},
	}
}

// certificateResidue repeats what the batches left behind; that there is nothing is said too.
func certificateResidue(ctx context.Context, v CertificateView) paper.Section {
	s := paper.Section{Title: locale.T(ctx, "certificate.residue")}
	t := &paper.Table{Caption: s.Title, Head: []paper.Column{
		{Text: locale.T(ctx, "certificate.batch"), Weight: 2}, {Text: locale.T(ctx, "purge.department"), Weight: 5}, {Text: locale.T(ctx, "purge.conversations"), Weight: 1, Number: true},
	}}
	for _, r := range v.Residue {
		for _, left := range r.Left {
			t.Rows = append(t.Rows, []paper.Cell{{Text: r.Batch}, {Text: departmentPath(left.Path)}, {Text: locale.N(ctx, left.Count)}})
		}
		if r.Count > 0 {
			s.Lines = append(s.Lines, locale.T(ctx, "certificate.acknowledged", r.Batch, r.Count, r.Who, locale.DateSec(ctx, r.At), r.Reason))
		}
	}
	if len(t.Rows) > 0 {
		s.Table = t
	} else {
		s.Lines = []string{locale.T(ctx, "certificate.no_residue")}
	}
	return s
}

func certificateSteps(ctx context.Context, steps []CertificateStep) *paper.Table {
	t := &paper.Table{Caption: locale.T(ctx, "certificate.approvals"), Head: []paper.Column{
		{Text: locale.T(ctx, "certificate.step"), Weight: 2},
		{Text: locale.T(ctx, "certificate.people"), Weight: 2.6},
		{Text: locale.T(ctx, "purge.time"), Weight: 3},
		{Text: locale.T(ctx, "certificate.opinion"), Weight: 4},
	}}
	for _, s := range steps {
		t.Rows = append(t.Rows, []paper.Cell{{Text: locale.T(ctx, s.Key)}, {Text: cmp.Or(s.Who, "—")}, {Text: s.time(ctx)}, {Text: s.result(ctx)}})
	}
	return t
}

// certificateConsents say what the votes were bound to; whether it was the list above is for
// everybody to see.
func certificateConsents(ctx context.Context, v CertificateView) (lines []string) {
	for _, c := range v.Consents {
		root := locale.T(ctx, "certificate.this_list")
		if c.Root != v.Root {
			root = fingerprint(c.Root)
		}
		lines = append(lines, locale.T(ctx, "certificate.bound", locale.Key(c.Key), root, shortHash(c.Policy), locale.DateSec(ctx, c.ExpiresAt)))
	}
	return lines
}

func certificateChecks(ctx context.Context, checks []CertificateCheck) *paper.Table {
	t := &paper.Table{Caption: locale.T(ctx, "certificate.verification"), Head: []paper.Column{
		{Text: locale.T(ctx, "certificate.check"), Weight: 2},
		{Text: locale.T(ctx, "certificate.method"), Weight: 4.4},
		{Text: locale.T(ctx, "certificate.read"), Weight: 1, Number: true},
		{Text: locale.T(ctx, "purge.result"), Weight: 2.6},
	}}
	for _, c := range checks {
		badge := paper.Badge{Kind: ui.Success, Icon: "check", Text: locale.T(ctx, ui.StatusKey("check", "passed"))}
		if !c.OK {
			badge = paper.Badge{Kind: ui.Danger, Icon: "ban", Text: locale.T(ctx, ui.StatusKey("check", "blocked"))}
		}
		t.Rows = append(t.Rows, []paper.Cell{
			{Text: locale.T(ctx, "certificate.check_"+c.What)},
			{Text: locale.T(ctx, "certificate.method_"+c.What)},
			{Text: locale.N(ctx, c.Read)},
			{Text: locale.T(ctx, "certificate.found_"+c.What, c.Found), Badge: &badge},
		})
	}
	return t
}

func certificateReach(ctx context.Context, v ReachView) *paper.Table {
	t := &paper.Table{Caption: locale.T(ctx, "certificate.reach"), Head: []paper.Column{
		{Text: locale.T(ctx, "reach.copy"), Weight: 2.2}, {Text: locale.T(ctx, "reach.state"), Weight: 2.6}, {Text: locale.T(ctx, "reach.note"), Weight: 5.2},
	}}
	for _, r := range v.Rows {
		kind, icon, text := r.badge(ctx, v)
		t.Rows = append(t.Rows, []paper.Cell{
			{Text: locale.T(ctx, "reach.copy_"+r.Copy)}, {Badge: &paper.Badge{Kind: kind, Icon: icon, Text: text}}, {Text: r.note(ctx)},
		})
	}
	return t
}

func certificateIntegrity(ctx context.Context, v CertificateView) []paper.Fact {
	facts := []paper.Fact{
		{Term: locale.T(ctx, "certificate.leaf"), Text: locale.T(ctx, "certificate.leaf_number", strconv.FormatInt(v.Leaf, 10))},
		{Term: locale.T(ctx, "certificate.digest"), Text: fingerprint(v.Digest), Mono: true},
	}
	if v.Sealed() {
		facts = append(facts, paper.Fact{Term: v.Code + ".json SHA-256", Text: fingerprint(v.FileDigest), Mono: true})
	}
	return append(facts,
		paper.Fact{Term: locale.T(ctx, "certificate.signature"), Text: "Ed25519"},
		paper.Fact{Term: locale.T(ctx, "certificate.offline"), Text: "qingdang verify " + v.Code + ".json", Mono: true},
		paper.Fact{Term: locale.T(ctx, "certificate.second"), Text: fmt.Sprintf("qingdang-verify --items purge-%d.csv %s.json", v.Purge, v.Code), Mono: true})
}

func certificateNotes(ctx context.Context, codes []string) (lines []string) {
	for _, c := range codes {
		lines = append(lines, locale.T(ctx, "certificate.note_"+c))
	}
	return lines
}

func paperFacts(facts []paper.Fact) []ui.Fact {
	out := make([]ui.Fact, len(facts))
	for i, f := range facts {
		out[i] = ui.Fact{Term: f.Term, Text: f.Text, Mono: f.Mono}
	}
	return out
}
