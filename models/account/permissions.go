package account

import (
	"maps"
	"slices"
)

// Permission is one thing a role may do, written noun.verb.
type Permission string

// The permissions. Routes name one each; use cases ask for them again.
const (
	HomeRead Permission = "home.read"

	ConversationSearch  Permission = "conversation.search"
	ConversationOpen    Permission = "conversation.open"
	ConversationUnmask  Permission = "conversation.unmask"
	ConversationTag     Permission = "conversation.tag"
	ConversationHide    Permission = "conversation.hide"
	ConversationDiscard Permission = "conversation.discard"
	ConversationSealed  Permission = "conversation.sealed" // what a deletion request sealed
	SearchRead          Permission = "search.read"
	SearchSave          Permission = "search.save"
	SearchShare         Permission = "search.share"  // with everybody of a role
	SearchRemove        Permission = "search.remove" // what others share

	BatchRead   Permission = "batch.read"
	BatchCreate Permission = "batch.create"
	BatchUndo   Permission = "batch.undo"
	BatchRaise  Permission = "batch.raise"

	BinRead           Permission = "bin.read"
	BinRestore        Permission = "bin.restore"
	BinRestoreExpired Permission = "bin.restore_expired"
	BinExtend         Permission = "bin.extend"

	PurgeRead              Permission = "purge.read"
	PurgeRequest           Permission = "purge.request"
	PurgeApproveSupervisor Permission = "purge.approve_supervisor"
	PurgeApproveLegal      Permission = "purge.approve_legal"
	PurgeApprove           Permission = "purge.approve" // the page both approvers share
	PurgeWithdraw          Permission = "purge.withdraw"
	PurgeExecute           Permission = "purge.execute"
	CertificateRead        Permission = "certificate.read"

	RetentionRead    Permission = "retention.read"
	RetentionPropose Permission = "retention.propose"
	RetentionEdit    Permission = "retention.edit"

	HoldRead    Permission = "hold.read"
	HoldCreate  Permission = "hold.create"
	HoldReview  Permission = "hold.review"
	HoldRelease Permission = "hold.release"

	SubjectRead   Permission = "subject.read"
	SubjectCreate Permission = "subject.create"
	SubjectLift   Permission = "subject.lift"

	AccessRead    Permission = "access.read"
	AccessRequest Permission = "access.request"
	AccessDecide  Permission = "access.decide"
	AccessEnd     Permission = "access.end"

	ExportRead     Permission = "export.read"
	ExportCreate   Permission = "export.create"
	ExportUnmasked Permission = "export.unmasked"
	ExportApprove  Permission = "export.approve"
	ReportRead     Permission = "report.read"
	ReportCreate   Permission = "report.create"

	AuditRead           Permission = "audit.read"
	AuditReadOwn        Permission = "audit.read_own"
	AuditReadDepartment Permission = "audit.read_department"
	AuditCheck          Permission = "audit.check"

	InspectionRead   Permission = "inspection.read"
	InspectionRun    Permission = "inspection.run"
	InspectionAnswer Permission = "inspection.answer"
	InspectionSign   Permission = "inspection.sign"

	ImportRun     Permission = "import.run"
	ImportRead    Permission = "import.read"
	ConnectorRead Permission = "connector.read"
	ConnectorEdit Permission = "connector.edit"
	JobRead       Permission = "job.read"
	JobCancel     Permission = "job.cancel"

	OrgRead       Permission = "org.read"
	OrgEdit       Permission = "org.edit"
	SettingRead   Permission = "setting.read"
	SettingEdit   Permission = "setting.edit"
	AccountManage Permission = "account.manage"
)

// table says what each role may do. It is the one place: routes, menus and use
// cases read it. The administrator keeps the machine and the accounts and never
// sees a conversation.
var table = map[Role]map[Permission]bool{
	Agent: may(
		HomeRead,
		ConversationSearch, ConversationOpen, ConversationTag, ConversationHide, ConversationDiscard, SearchRead, SearchSave,
		BinRead, BinRestore,
		PurgeRead, PurgeRequest, CertificateRead,
		RetentionRead,
		AccessRead, AccessRequest, AccessEnd,
		ExportRead, ExportCreate,
		AuditReadOwn, JobRead,
	),
	Supervisor: may(
		HomeRead,
		ConversationSearch, ConversationOpen, ConversationUnmask, ConversationTag, ConversationHide, ConversationDiscard, SearchRead, SearchSave, SearchShare, SearchRemove,
		BatchRead, BatchCreate, BatchUndo, BatchRaise,
		BinRead, BinRestore, BinExtend,
		PurgeRead, PurgeRequest, PurgeApprove, PurgeApproveSupervisor, PurgeWithdraw, CertificateRead,
		RetentionRead, RetentionPropose,
		AccessRead, AccessRequest, AccessDecide, AccessEnd,
		ExportRead, ExportCreate, ReportRead,
		AuditReadOwn, AuditReadDepartment,
		InspectionRead, InspectionAnswer,
		ImportRead, ConnectorRead, JobRead, JobCancel,
	),
	Legal: may(
		HomeRead,
		ConversationSearch, ConversationOpen, ConversationUnmask, ConversationTag, SearchRead, SearchSave, SearchShare, SearchRemove,
		BatchRead, BatchRaise,
		BinRead, BinRestore, BinRestoreExpired,
		PurgeRead, PurgeRequest, PurgeApprove, PurgeApproveLegal, PurgeWithdraw, PurgeExecute, CertificateRead,
		RetentionRead, RetentionPropose, RetentionEdit,
		HoldRead, HoldCreate, HoldReview, HoldRelease,
		SubjectRead, SubjectCreate, SubjectLift, ConversationSealed,
		AccessRead, AccessDecide, AccessEnd,
		ExportRead, ExportCreate, ExportUnmasked, ExportApprove, ReportRead, ReportCreate,
		AuditReadOwn, AuditReadDepartment, AuditRead,
		InspectionRead, InspectionSign,
		JobRead, JobCancel,
	),
	Auditor: may(
		HomeRead,
		ConversationSearch, ConversationOpen, SearchRead,
		BatchRead, BinRead, PurgeRead, CertificateRead, RetentionRead, HoldRead,
		SubjectRead, AccessRead,
		ReportRead, ReportCreate,
		AuditReadOwn, AuditReadDepartment, AuditRead, AuditCheck,
		InspectionRead, InspectionRun, InspectionSign,
		ImportRead, ConnectorRead, JobRead, OrgRead, SettingRead,
	),
	Admin: may(
		HomeRead, AuditReadOwn,
		AccessRead, AccessEnd,
		ImportRun, ImportRead, ConnectorRead, ConnectorEdit, JobRead, JobCancel,
		OrgRead, OrgEdit, SettingRead, SettingEdit, AccountManage,
	),
}

// system is what a job or a command line may do without a person: bring in, bin
// what is due, draft a purge request, keep accounts, list what a search finds. It never votes, opens or
// exports.
var system = may(
	ConversationDiscard, BatchCreate, PurgeRequest, ReportCreate, AuditCheck,
	ConversationSearch, ImportRun, ImportRead, JobRead, OrgRead, OrgEdit, AccountManage,
)

func may(ps ...Permission) map[Permission]bool {
	set := make(map[Permission]bool, len(ps))
	for _, p := range ps {
		set[p] = true
	}
	return set
}

// Permissions lists every permission that some role has, sorted.
func Permissions() []Permission {
	all := map[Permission]bool{}
	for _, set := range table {
		maps.Copy(all, set)
	}
	return slices.Sorted(maps.Keys(all))
}

// Known tells whether some role has p, so that a route cannot name a permission
// that nobody will ever hold.
func (p Permission) Known() bool { return slices.Contains(Permissions(), p) }

// Has tells whether the role may p.
func (r Role) Has(p Permission) bool { return table[r][p] }
