package bench

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"time"
)

// memory samples the process's resident memory while do runs and gives the most there was, in
// MB; 0 where the system does not tell. What was filled before is given back first.
func memory(ctx context.Context, do func(context.Context) error) (most float64, err error) {
	debug.FreeOSMemory()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			most = max(most, resident())
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	err = do(ctx)
	close(stop)
	<-done
	return most, err
}

func resident() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0
	}
	return float64(pages) * float64(os.Getpagesize()) / (1 << 20)
}
