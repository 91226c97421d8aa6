package bench

import (
	"strings"
	"testing"
	"time"
)

const wrkSaid = `Running 2s test @ http://127.0.0.1:8080/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    50.29ms    9.02ms  99.01ms   70.00%
    Req/Sec   319.52     36.10   390.00     70.00%
  Latency Distribution
     50%   49.50ms
     75%   55.01ms
     90%   61.71ms
     99%    1.02s 
  640 requests in 2.01s, 20.10MB read
Requests/sec:    318.41
Transfer/sec:     10.00MB
`

func TestWhatWRKSays(t *testing.T) {
	got, err := readWRK(wrkSaid)
	if want := (load{318.41, 49500 * time.Microsecond, 1020 * time.Millisecond}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for name, said := range map[string]string{
		"answers that are errors": wrkSaid + "  Non-2xx or 3xx responses: 640\n",
		"broken connections":      wrkSaid + "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
		"nothing":                 "unable to connect",
	} {
		if got, err := readWRK(said); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	var rep PagesReport
	rep.add("home", 1, load{Rate: 10, P50: time.Millisecond}, load{Rate: 100})
	rep.add("home", 2, load{Rate: 30, P50: time.Millisecond}, load{Rate: 100})
	rep.add("home", 3, load{Rate: 20, P50: time.Millisecond}, load{Rate: 100})
	var out strings.Builder
	if err := rep.Write(&out); err != nil || !strings.Contains(out.String(), "0.2000") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
