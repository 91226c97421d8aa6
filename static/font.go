package static

// PaperFont is the font of printed documents, Noto Sans SC Regular as TrueType. It has the
// characters of GBK. No page fetches it.
func PaperFont() []byte { return read("vendor/NotoSansSC.ttf") }
