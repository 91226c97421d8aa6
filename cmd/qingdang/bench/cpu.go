package bench

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// meter counts processor time: of this process, of the programs it ran, and of the server where
// that runs on the same machine. On a busy machine it tells more than the clock does.
type meter struct{ server string }

func (s *server) meter(ctx context.Context) meter {
	var file string
	if err := s.pool.QueryRowContext(ctx, "SELECT @@pid_file").Scan(&file); err != nil {
		return meter{}
	}
	pid, err := os.ReadFile(file)
	if err != nil {
		return meter{}
	}
	return meter{server: strings.TrimSpace(string(pid))}
}

// read gives the seconds so far; it leaves out what the system does not tell.
func (m meter) read() float64 {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum.Seconds() + m.ofServer()
}

func (m meter) ofServer() float64 {
	const user, system, ticks = 11, 12, 100 // fields behind the name; USER_HZ is 100 wherever Go runs
	text, err := os.ReadFile("/proc/" + m.server + "/stat")
	if err != nil || m.server == "" {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) <= system {
		return 0
	}
	var u, s float64
	if _, err := fmt.Sscan(fields[user]+" "+fields[system], &u, &s); err != nil {
		return 0
	}
	return (u + s) / ticks
}
