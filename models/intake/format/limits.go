package format

// Defaults of Limits. A text of 1,000,000 characters must pass (rule 11), so MaxMessageChars
// must not be set below that for real imports.
const (
	defaultMaxBytes        = 8 << 30
	defaultMaxUnpacked     = 2 << 30
	defaultMaxRows         = 100_000_000
	defaultMaxRecord       = 64 << 20
	defaultMaxChars        = 1_000_000
	defaultMaxConvMessages = 100_000
	defaultMaxConvBytes    = 64 << 20
	defaultMaxRejects      = 1000
	defaultMemory          = 64 << 20

	maxRevokes   = 4_000_000 // 16 bytes each are kept in memory
	maxIDChars   = 255       // longer ids are kept as a prefix and a digest
	maxNameRunes = 255       // longer names, kinds and tags are cut
	maxPathRunes = 4096      // longer attachment names and department paths are cut
	maxTags      = 100
	maxPlatform  = 32
)

func (l Limits) withDefaults() Limits {
	def(&l.MaxBytes, defaultMaxBytes)
	def(&l.MaxUnpacked, defaultMaxUnpacked)
	def(&l.MaxRows, defaultMaxRows)
	def(&l.MaxRecordBytes, defaultMaxRecord)
	def(&l.MaxMessageChars, defaultMaxChars)
	def(&l.MaxConversationMessages, defaultMaxConvMessages)
	def(&l.MaxConversationBytes, defaultMaxConvBytes)
	def(&l.MaxRejectDetails, defaultMaxRejects)
	def(&l.MemoryBytes, defaultMemory)
	return l
}

func def[T int | int64](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}
