package web

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
)

// store keeps the values of sessions in their rows. It never makes a session: a use
// case of the accounts does, and a session that was ended stays ended.
type store struct{ app *App }

var _ sessions.Store = (*store)(nil)

type stateKey struct{}

// Get gives the request's values, read once.
func (s *store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads the values of the session that the request belongs to. Without one it
// gives an empty one, as the interface demands, which cannot be saved.
func (s *store) New(r *http.Request, name string) (*sessions.Session, error) {
	out := sessions.NewSession(s, name)
	out.Options = &sessions.Options{Path: "/", HttpOnly: true, Secure: s.app.o.Secure, SameSite: http.SameSiteLaxMode}
	out.IsNew = true
	st, _ := r.Context().Value(stateKey{}).(*state)
	if st == nil || st.session == nil {
		return out, nil
	}
	out.IsNew, out.ID = false, st.token
	if len(st.session.Data) == 0 {
		return out, nil
	}
	if err := (securecookie.GobEncoder{}).Deserialize(st.session.Data, &out.Values); err != nil {
		return out, fmt.Errorf("web: read session values: %w", err)
	}
	return out, nil
}

// Save updates the session's row. It sets no cookie: the token does not change here.
func (s *store) Save(r *http.Request, _ http.ResponseWriter, session *sessions.Session) error {
	if session.ID == "" {
		return errors.New("web: nobody is signed in, so there is no session to keep values")
	}
	data, err := (securecookie.GobEncoder{}).Serialize(session.Values)
	if err != nil {
		return fmt.Errorf("web: write session values: %w", err)
	}
	return s.app.o.Accounts.SaveData(r.Context(), session.ID, data)
}
