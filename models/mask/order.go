package mask

import "slices"

var (
	orderWords = []string{"订单号", "订单编号", "订单", "单号", "运单", "流水号", "交易号"}

	// carriers are the letters that tracking numbers of Chinese carriers begin with.
	carriers = []string{"SF", "YT", "JT", "JD", "JDVA", "JDVB", "JDVC", "JDVE", "JDX", "ZT", "ZTO", "STO", "YD", "DPK", "DPL", "EMS", "LP"}
)

// maxHead is the most letters that an order or tracking number begins with.
const maxHead = 4

// Orders gives the order and tracking numbers in text by position: a number with a
// word before it that says so, or one that begins like a carrier's.
func Orders(text string) []Span {
	var spans []Span
	for i := 0; i < len(text); {
		r, size := runeAt(text, i)
		if !isLetter(r) && !isDigit(r) {
			i += size
			continue
		}
		end, head, digits := code(text, i)
		if digits >= 8 && digits <= 24 && len(head) <= maxHead && (wordBefore(text, i, orderWords) || carried(head, digits)) {
			spans = append(spans, Span{Order, i, end})
		}
		i = end
	}
	return spans
}

func carried(head string, digits int) bool {
	return digits >= 10 && digits <= 15 && slices.Contains(carriers, head)
}

// code reads the word at i. head is the letters that it begins with. A word with
// letters behind its digits is no number, whatever it is: it counts as one
// without digits.
func code(text string, i int) (end int, head string, digits int) {
	end, mixed := i, false
	for {
		r, size := runeAt(text, end)
		switch {
		case isDigit(r):
			digits++
		case isLetter(r) && digits > 0:
			mixed = true
		case isLetter(r):
			if len(head) <= maxHead {
				head += string(r)
			}
		case mixed:
			return end, head, 0
		default:
			return end, head, digits
		}
		end += size
	}
}
