package webtest

import (
	"context"
	"strings"
	"sync"

	"qingdang/models/account"
)

// memory stands for the register of accounts.
type memory struct {
	mu       sync.Mutex
	sessions map[string]*account.Session
	denials  []Denial
}

func (m *memory) open(by account.Actor) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	token := "test-session-" + by.StaffNo + "-" + string(rune('a'+len(m.sessions)%26)) + strings.Repeat("x", len(m.sessions)/26)
	m.sessions[token] = &account.Session{Stage: account.StageFull, Actor: by, Enrolled: true}
	return token
}

// Session is part of web.Accounts.
func (m *memory) Session(_ context.Context, token string, from account.Client) (*account.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[token]
	if !ok {
		return nil, account.ErrNoSession
	}
	found := *s
	found.Actor.Source, found.Actor.RequestID = from.Source, from.RequestID
	return &found, nil
}

// Touch is part of web.Accounts.
func (m *memory) Touch(context.Context, string) error { return nil }

// SaveData is part of web.Accounts.
func (m *memory) SaveData(_ context.Context, token string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[token]
	if !ok {
		return account.ErrNoSession
	}
	s.Data = data
	return nil
}

// Denied is part of web.Accounts.
func (m *memory) Denied(_ context.Context, by account.Actor, p account.Permission, route string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.denials = append(m.denials, Denial{By: by, Permission: p, Route: route})
	return nil
}
