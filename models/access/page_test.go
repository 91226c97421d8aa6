package access

// SetPage sets how many grants the worker looks up at once, until it is called again.
func SetPage(n int) (was int) {
	was, perPage = perPage, n
	return was
}
