package templates

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"qingdang/templates/locale"
)

const sampleRoot = "9f2c7a1041d8b3e65d0c8a7be19f4420bb7712c0de3344aa9177ce017c3e5b08"

func purgePageSample() PurgeView {
	frozen := time.Date(2026, 11, 17, 2, 12, 33, 0, time.UTC)
	return PurgeView{
		ID: 7, Code: "PG-20261117-004", State: "awaiting_legal", Size: 12406, Messages: 381920, Attachments: 14435, Bytes: 4_620_000_000,
		Path: "云栖优品集团/华东大区/南京分公司/直营一组", Paths: 3, Requester: PurgePerson{Name: "陈思远", RoleKey: "role.agent"}, Reason: "回收站到期清理",
		Root: sampleRoot, FrozenAt: frozen, ExpiresAt: frozen.Add(7 * 24 * time.Hour), FirstAt: frozen.AddDate(-2, 0, 0), LastAt: frozen.AddDate(-1, 0, 0),
		Stages: []PurgeStage{
			{Key: "purge.stage_request", State: "done", Who: PurgePerson{Name: "陈思远", RoleKey: "role.agent"}, At: frozen, Note: "回收站到期清理"},
			{Key: "purge.stage_supervisor", State: "done", Who: PurgePerson{Name: "林静怡", RoleKey: "role.supervisor"}, At: frozen.Add(5 * time.Hour), Note: "范围无误，同意"},
			{Key: "purge.stage_legal", State: "current", Icon: "hourglass", Who: PurgePerson{RoleKey: "role.legal"}, Remark: Words{Key: "purge.stage_until", Args: []any{frozen.Add(7 * 24 * time.Hour)}}},
			{Key: "purge.stage_cooling", Nobody: true, Remark: Words{Key: "purge.hours", Args: []any{72}}},
			{Key: "purge.stage_codes", Who: PurgePerson{RoleKey: "role.legal"}},
			{Key: "purge.stage_run"},
			{Key: "purge.stage_certificate"},
		},
		Batches: []PurgeBatch{
			{ID: 1, Code: "SC-20261102-003", ResidueCount: 91, ResidueReason: "各店自行处理", Residue: []PurgeResidue{{Path: "云栖优品集团/华东大区/南京分公司/直营三组", Count: 91}}},
			{ID: 2, Code: "SC-20261103-001"},
		},
		Departments: []PurgeDepartment{
			{"云栖优品集团/华东大区/南京分公司/直营一组", 7204, 221306, 8412, 2_710_000_000},
			{"云栖优品集团/华东大区/南京分公司/直营二组", 4118, 126880, 4903, 1_520_000_000},
			{"云栖优品集团/华东大区/南京分公司", 1084, 33734, 1120, 390_000_000},
		},
		Excluded: []PurgeCount{{"held", 12}, {"order", 3}}, CheckedAt: sampleNow, Intact: 12405,
		Checks: []PurgeCheck{
			{Key: "purge.check_held", State: "passed"},
			{Key: "purge.check_floor", State: "passed", Note: Words{Key: "purge.policy_changed"}},
			{Key: "purge.check_order", State: "passed"},
			{Key: "purge.check_restored", State: "passed"},
			{Key: "purge.check_version", State: "warning", Count: 1},
			{Key: "purge.check_gone", State: "passed"},
		},
		CoolingHours: 72, KeepUntil: frozen, AtOnce: true, CanVote: true, LegalVotes: true, CanWithdraw: true, Organisation: true, Now: sampleNow,
		Progress: PurgeProgress{ID: 7, State: "awaiting_legal", Waiting: true, Total: 12406, Now: sampleNow},
	}
}

func purgeCoolingSample() PurgeView {
	v := purgePageSample()
	v.State, v.CanVote, v.Cooling = "cooling_off", false, true
	v.CoolingFrom = time.Date(2026, 11, 18, 3, 5, 0, 0, time.UTC)
	v.CoolingUntil = v.CoolingFrom.Add(72 * time.Hour)
	v.Stages[2].State, v.Stages[2].Note, v.Stages[2].Remark, v.Stages[2].At = "done", "已核对 12 项保留", Words{}, v.CoolingFrom
	v.Stages[3] = PurgeStage{Key: "purge.stage_cooling", Nobody: true, State: "current", Icon: "hourglass", At: v.CoolingUntil, Remark: Words{Key: "purge.stage_withdrawable"}}
	v.VoteRefused = Words{Key: "approval.own_request"}
	return v
}

func purgeRunningSample() PurgeView {
	v := purgeCoolingSample()
	v.State, v.Cooling, v.CanWithdraw, v.Checks, v.Batches = "running", false, false, nil, v.Batches[1:]
	v.Progress = PurgeProgress{
		ID: 7, State: "running", Executing: true, Phase: "erase", Done: 8436, Total: 12406, Purged: 8434, Skipped: 2, Skips: []PurgeCount{{"held", 1}, {"version", 1}},
		StartedAt: sampleNow.Add(-20 * time.Minute), Attempts: 2, Now: sampleNow,
	}
	return v
}

func purgeClosedSample() PurgeView {
	v := purgeCoolingSample()
	v.State, v.Cooling, v.CanWithdraw, v.Closed, v.ClosedBy, v.ClosedAt, v.ClosedReason = "rejected", false, false, true, "周敏", sampleNow, "范围过大"
	return v
}

func certificateSample() CertificateView {
	at := time.Date(2026, 11, 17, 18, 14, 37, 0, time.UTC)
	return CertificateView{
		ID: 87, Code: "CERT-2026-0087", Organisation: "云栖优品集团", IssuedAt: at, EffectiveAt: at.AddDate(0, 0, 7), Purge: 7, Request: "PG-20261110-001", Reason: "回收站到期清理",
		Incident: "INC-2026-003", Batches: []string{"SC-20261102-003", "SC-20261103-001"}, FrozenAt: at.AddDate(0, 0, -7),
		Departments: []PurgeResidue{{Path: "云栖优品集团/华东大区/杭州分公司/二店售后组", Count: 2000}, {Path: "云栖优品集团/华东大区/南京分公司", Count: 100}},
		LastFrom:    at.AddDate(-2, 0, 0), LastTo: at.AddDate(-1, 0, 0), Classes: []CertificateClass{{"咨询", 2000}, {"", 100}},
		Root: sampleRoot, Size: 2100, Messages: 64218, Attachments: 1906, Bytes: 710_000_000, Excluded: []PurgeCount{{"held", 12}, {"order", 3}}, Purged: 2098, Skipped: 2, Skips: []PurgeCount{{"held", 2}},
		OutcomeRoot: sampleRoot, Buckets: 3, Survivors: 41,
		Residue: []CertificateResidue{
			{Batch: "SC-20261102-003", Count: 91, Left: []PurgeResidue{{Path: "云栖优品集团/华东大区/杭州分公司/三店售后组", Count: 91}}, Who: "林静怡 (10482)", At: at, Reason: "三店另行处理"},
			{Batch: "SC-20261103-001"},
		},
		Steps: []CertificateStep{
			{Key: "purge.stage_request", Who: "高翔 (20417)", At: at, Result: "回收站到期清理"},
			{Key: "purge.stage_supervisor", Who: "林静怡 (10482)", At: at, Result: "同意"},
			{Key: "purge.stage_legal", Who: "周镕珺 (10077)", At: at, Result: "同意，已核对法务保留 👍"},
			{Key: "purge.stage_cooling", At: at, Until: at, Words: Words{Key: "certificate.not_withdrawn", Args: []any{24}}},
			{Key: "purge.stage_run", Who: "worker-2", At: at, Until: at, Words: Words{Key: "certificate.sum", Args: []any{2100, 2098, 2}}},
		},
		Consents: []CertificateConsent{{"purge.stage_supervisor", sampleRoot, sampleRoot, at}, {"purge.stage_legal", sampleRoot, sampleRoot, at}},
		Checks: []CertificateCheck{
			{"manifest", 2100, 2100, true},
			{"sum", 2100, 2100, true},
			{"rows", 2098, 0, true},
			{"bodies", 2098, 0, true},
			{"keys", 2098, 0, true},
			{"tags", 2098, 0, true},
			{"tombstones", 2098, 2098, true},
			{"skipped", 2, 2, true},
			{"buckets", 3, 3, true},
		},
		Reach: reachSample(false),
		Leaf:  8412077, Digest: sampleRoot, FileDigest: sampleRoot, QR: [][]bool{{true, false, true}, {false, true, false}, {true, true, false}},
		Notes: []string{"no_content", "own_state_only", "list_remains", "time_utc"},
	}
}

// reachSample is the list of copies, before or after a purge.
func reachSample(planned bool) ReachView {
	until := sampleNow.AddDate(0, 0, 5)
	expires := func(copies, why string, items ...ReachItem) ReachRow {
		if planned {
			return ReachRow{Copy: copies, State: "expires", Days: 7, Why: why, Items: items}
		}
		return ReachRow{Copy: copies, State: "expires", Until: until, Why: why, Items: items}
	}
	return ReachView{Planned: planned, Now: sampleNow, Rows: []ReachRow{
		{Copy: "rows", State: "erased"},
		{Copy: "keys", State: "key_destroyed"},
		{Copy: "index", State: "key_destroyed", Why: "index_rewritten"},
		{Copy: "attachments", State: "erased", Why: "names_in_body"},
		{Copy: "archive", State: "none", Why: "no_archive"},
		{Copy: "exports", State: "none", Why: "lists_only", Count: 2},
		expires("database_backups", "sealed"),
		expires("database_logs", "sealed"),
		expires("key_store_backups", "register_lost", ReachItem{"qingdang-keys-0a1b2c3d-20261117T180000Z.keybackup", "operator", until}),
		{Copy: "platform", State: "out_of_reach"},
		{Copy: "devices", State: "out_of_reach"},
	}}
}

func purgeSamples() map[string]templ.Component {
	draft := purgePageSample()
	draft.State, draft.Draft, draft.CanVote, draft.CanRequest, draft.Requester, draft.Checks, draft.AtOnce = "draft", true, false, true, PurgePerson{}, nil, false
	page := purgePageSample()
	page.Reach = reachSample(true)
	wrong := purgePageSample()
	wrong.Opinion, wrong.Problems = "同意", Problems{"code": {Key: "purge.reason_short", Args: []any{8}}, "opinion": {Key: "approval.opinion_missing"}}
	return map[string]templ.Component{
		"purge-vote":    PurgePage(page),
		"purge-wrong":   PurgePage(wrong),
		"purge-cooling": PurgePage(purgeCoolingSample()),
		"purge-running": PurgePage(purgeRunningSample()),
		"purge-closed":  PurgePage(purgeClosedSample()),
		"purge-draft":   PurgePage(draft),
		"purge-list": PurgesPage(PurgesView{Rows: []PurgeRow{
			{ID: 7, Code: "PG-20261117-004", State: "cooling_off", Size: 12406, Path: "云栖优品集团/华东大区/南京分公司/直营一组", Paths: 3, Batches: []string{"SC-20261102-003", "SC-20261103-001"}, Requester: "陈思远", RoleKey: "role.agent", At: sampleNow, Until: sampleNow},
			{ID: 8, Code: "PG-20261118-001", State: "draft", Size: 20, Path: "云栖优品集团", Paths: 1, Batches: []string{"SC-20261111-001"}, At: sampleNow},
			{ID: 9, Code: "PG-20261118-002", State: "scheduled", Size: 20, Path: "云栖优品集团", Paths: 1, Requester: "高翔", RoleKey: "role.agent", At: sampleNow, Until: sampleNow, Skipped: 2},
		}, Total: 3, First: true, Next: 4, Now: sampleNow}),
		"purge-empty": PurgesPage(PurgesView{First: true, Now: sampleNow}),
		"purge-new": PurgeNewPage(PurgeNewView{
			Batches: page.Batches, Size: 12406, Messages: 381920, Attachments: 14435, Bytes: 4_620_000_000, Excluded: page.Excluded, Departments: page.Departments,
			Cooling: 24 * time.Hour, ScopeKey: "purge.scope_department", KeepUntil: sampleNow, Now: sampleNow, Reason: "清理", RequestKey: "k",
			Problems: Problems{"reason": {Key: "purge.reason_short", Args: []any{8}}}, Reach: reachSample(true),
		}),
		"purge-execute": PurgeExecutePage(PurgeExecuteView{
			ID: 7, Code: "PG-20261117-004", Size: 12406, Path: "云栖优品集团/华东大区/南京分公司", Paths: 3, Root: sampleRoot, Intact: 12405, CheckedAt: sampleNow, Until: sampleNow,
			Supervisor: PurgePerson{Name: "林静怡", RoleKey: "role.supervisor"}, Legal: PurgePerson{Name: "周敏", RoleKey: "role.legal"},
		}),
		"certificate":       CertificatePage(certificateSample()),
		"certificate-list":  CertificatesPage(CertificatesView{Rows: []CertificateRow{{ID: 87, Code: "CERT-2026-0087", Purge: 7, Request: "PG-20261110-001", Purged: 2098, Skipped: 2, IssuedAt: sampleNow, EffectiveAt: sampleNow}}, Next: 5}),
		"certificate-empty": CertificatesPage(CertificatesView{}),
	}
}

func TestPurgePagesKeepToTheContentPolicyInBothLanguages(t *testing.T) {
	shots, only := os.Getenv("QD_SHOTS"), regexp.MustCompile(os.Getenv("QD_ONLY"))
	for name, page := range purgeSamples() {
		for _, lang := range locale.Languages() {
			t.Run(fmt.Sprintf("%s %s", name, lang), func(t *testing.T) {
				out := draw(t, page, sampleFrame(lang, ThemeLight))
				for what, pattern := range forbidden {
					if hit := pattern.FindString(out); hit != "" {
						t.Errorf("the page has %s: %q", what, hit)
					}
				}
				checkIDs(t, out)
				if full := name + "-" + string(lang); shots != "" && only.MatchString(full) {
					shoot(t, shots, full, out)
				}
			})
		}
	}
}

func TestOnlyTheLastStepOfAPurgeIsFilledRed(t *testing.T) {
	for name, page := range purgeSamples() {
		red := strings.Count(draw(t, page, sampleFrame(locale.Chinese, ThemeLight)), `btn-danger"`)
		want := 0
		if name == "purge-execute" {
			want = 1
		}
		if red != want {
			t.Errorf("%s has %d filled red buttons", name, red)
		}
	}
}
