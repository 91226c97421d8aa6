package web

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter bounds requests per address. It lives in memory only: what must hold
// over all processes and restarts is counted in the database by the accounts.
type limiter struct {
	rate  rate.Limit
	burst int
	now   func() time.Time

	mu      sync.Mutex
	callers map[string]*rate.Limiter
	swept   time.Time
}

const sweepEvery = time.Minute

func newLimiter(r rate.Limit, burst int, now func() time.Time) *limiter {
	return &limiter{rate: r, burst: burst, now: now, callers: map[string]*rate.Limiter{}}
}

// allow tells whether the address may ask now.
func (l *limiter) allow(address string) bool {
	now, address := l.now(), network(address)
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) >= sweepEvery {
		l.sweep(now)
	}
	caller, ok := l.callers[address]
	if !ok {
		caller = rate.NewLimiter(l.rate, l.burst)
		l.callers[address] = caller
	}
	return caller.AllowN(now, 1)
}

// sweep forgets addresses that have their whole burst back: they are as good as new.
func (l *limiter) sweep(now time.Time) {
	l.swept = now
	for address, caller := range l.callers {
		if caller.TokensAt(now) >= float64(l.burst) {
			delete(l.callers, address)
		}
	}
}

// network is what one caller has for itself: an address, or with IPv6 a whole /64.
func network(address string) string {
	const own = 64
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	return netip.PrefixFrom(ip, own).Masked().String()
}
