package format

// Why a record was rejected. Every constant is a catalogue key; none ever carries message text.
const (
	ReasonNotJSON         = "import.reason.not_json"          // the line is no JSON
	ReasonNotObject       = "import.reason.not_object"        // JSON, but no object
	ReasonBadEncoding     = "import.reason.bad_encoding"      // bytes that are no text
	ReasonTooLong         = "import.reason.record_too_long"   // longer than Limits.MaxRecordBytes
	ReasonTextTooLong     = "import.reason.text_too_long"     // more than Limits.MaxMessageChars
	ReasonNoConversation  = "import.reason.no_conversation"   // no conversation id
	ReasonNoPlatform      = "import.reason.no_platform"       // neutral: no platform
	ReasonBadPlatform     = "import.reason.bad_platform"      // not one short word
	ReasonNoMessages      = "import.reason.no_messages"       // neutral: no list of messages
	ReasonNoID            = "import.reason.no_id"             // no message id where one is required
	ReasonNoSender        = "import.reason.no_sender"         // nobody said it
	ReasonBadSender       = "import.reason.bad_sender"        // an unknown word for the sender's side
	ReasonNoTime          = "import.reason.no_time"           // no time
	ReasonBadTime         = "import.reason.bad_time"          // a time that cannot be read or does not exist
	ReasonTimeRange       = "import.reason.time_range"        // before 1990 or from 2100 on
	ReasonNoKind          = "import.reason.no_kind"           // no kind of message where one is required
	ReasonBadKind         = "import.reason.bad_kind"          // WeChat: Type is no number
	ReasonNoText          = "import.reason.no_text"           // neither text nor attachment
	ReasonTooManyCells    = "import.reason.too_many_cells"    // more cells than the header
	ReasonOpenQuote       = "import.reason.open_quote"        // a quoted cell that never ends
	ReasonBadCell         = "import.reason.bad_cell"          // a cell that points nowhere
	ReasonConversationCap = "import.reason.conversation_full" // beyond the cap of one conversation
)

// Why a file could not be read at all. Every constant is a catalogue key; the comment names its arguments.
const (
	FileEmpty         = "import.file.empty"
	FileTooLarge      = "import.file.too_large"      // 0: the limit in bytes
	FileTooManyRows   = "import.file.too_many_rows"  // 0: the limit
	FileUnknown       = "import.file.unknown_format" // nothing we know
	FileWrongFormat   = "import.file.wrong_format"   // 0: format asked for; 1: format found
	FileNotClaimed    = "import.file.not_claimed"    // 0: the ending that does not fit the content
	FileNoHeader      = "import.file.no_header"      // 0: required columns that were missed, divided by 、
	FileNotJSON       = "import.file.not_json"
	FileNotAnswer     = "import.file.not_answer"       // JSON, but no answer of the call
	FileAnswerFailed  = "import.file.answer_failed"    // 0: its ret
	FileBadRequest    = "import.file.bad_request"      // the companion cannot be read
	FileNotQQ         = "import.file.not_qq"           // no 消息对象 section
	FileNotWorkbook   = "import.file.not_workbook"     // no spreadsheet inside, or a broken one
	FileOldWorkbook   = "import.file.old_workbook"     // .xls, or an .xlsx with a password
	FileUnpackedLarge = "import.file.unpacked_large"   // 0: the limit in bytes
	FileTooManyParts  = "import.file.too_many_parts"   // 0: the limit
	FileManyRevokes   = "import.file.too_many_revokes" // 0: the limit
	FileUnsupported   = "import.file.unsupported"      // 0: a format nobody knows
)

func fileError(key string, args ...any) *FileError { return &FileError{Key: key, Args: args} }
