package purge

import "time"

// Window is the daily time in which purges run unless everybody agreed to run at once, in
// minutes after midnight of the organisation's time. It may pass midnight. The zero
// window is 22:00–06:00.
type Window struct{ From, To int }

var night = Window{From: 22 * 60, To: 6 * 60}

func (w Window) orNight() Window {
	if w == (Window{}) {
		return night
	}
	return w
}

// Next gives the first instant from t on that lies in the window: t itself when it is
// inside. The window's end does not belong to it. From equal to To is the whole day.
func (w Window) Next(t time.Time, zone *time.Location) time.Time {
	w = w.orNight()
	local := t.In(zone)
	y, m, d := local.Date()
	at := func(day, minutes int) time.Time { return time.Date(y, m, d+day, 0, minutes, 0, 0, zone) }
	// The window that began yesterday may still be open.
	for day := -1; day <= 1; day++ {
		from, to := at(day, w.From), at(day, w.To)
		if w.To <= w.From {
			to = at(day+1, w.To)
		}
		switch {
		case t.Before(from):
			return from.UTC()
		case t.Before(to):
			return t
		}
	}
	return at(2, w.From).UTC()
}
