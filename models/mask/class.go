package mask

// class is what the search for addresses asks of every rune. It is asked so often that a table is
// worth its 64 kB.
type class uint8

const (
	hardStop class = 1 << iota
	softStop
	division // the end of one: 区, 县
	numeral
	lane    // a house number in words may follow
	opening // of a province's or city's name
)

var classes = func() (table [1 << 16]class) {
	for c, runes := range map[class]string{hardStop: hardStops, softStop: softStops, division: divided, numeral: numerals, lane: lanes} {
		for _, r := range runes {
			table[r] |= c
		}
	}
	for r := range places {
		table[r] |= opening
	}
	return table
}()

func is(r rune, c class) bool { return r >= 0 && int(r) < len(classes) && classes[r]&c != 0 }
