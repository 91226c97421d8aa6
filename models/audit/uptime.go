package audit

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// Uptime gives a time that only ever runs on, for ClockGuard.Up: that of the machine, in which a laptop's
// sleep counts too, or that of this process where the machine does not tell.
func Uptime() func() time.Duration {
	if _, ok := machineUp(); ok {
		return func() time.Duration {
			up, _ := machineUp()
			return up
		}
	}
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

func machineUp() (time.Duration, bool) {
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(b), " ")
	s, err := strconv.ParseFloat(first, 64)
	return time.Duration(s * float64(time.Second)), err == nil
}
