package main

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/audit/proof"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/job"
	"qingdang/templates/locale"
)

// receiver is another machine's web server that keeps what it takes.
type receiver struct {
	t      *testing.T
	mu     sync.Mutex
	status int
	notes  []string
}

const witnessToken = "hunter2-hunter2"

func (s *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/log" || r.Header.Get("Content-Type") != "text/plain; charset=utf-8" ||
		r.Header.Get(originHeader) != signingName || r.Header.Get("Authorization") != "Bearer "+witnessToken {
		s.t.Errorf("%s %s %s: %v", r.Method, r.URL, r.Header, err)
	}
	if s.status/100 == 3 {
		http.Redirect(w, r, "/elsewhere", s.status)
		return
	}
	if s.status == http.StatusNoContent {
		s.notes = append(s.notes, string(text))
	}
	w.WriteHeader(s.status)
}

func (s *receiver) answer(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

func (s *receiver) sizes(key string) (out []int64) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, note := range s.notes {
		c, err := proof.ParseCheckpoint(note, key)
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, c.Size)
	}
	return out
}

// checkpoint makes one of a log that has grown.
func (a *app) checkpointNow(t *testing.T) int64 {
	t.Helper()
	_, err := a.evidence.Check(t.Context(), accounttest.Actor(account.Auditor))
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.log.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c.Size
}

func (a *app) workWitness(ctx context.Context, owner string) error {
	return job.Work(ctx, a.db, owner, map[string]job.Runner{jobWitness: a.runners()[jobWitness]}, job.Options{Once: true, Timers: []job.New{{Kind: jobWitness}}})
}

// Two workers hand each checkpoint to another machine once, in order; it gets what a verifier needs and nobody else the
// token; after it was closed it gets what it has missed.
func TestCheckpointsArePosted(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			s := &receiver{t: t, status: http.StatusNoContent}
			server := httptest.NewTLSServer(s)
			defer server.Close()
			roots := x509.NewCertPool()
			roots.AddCert(server.Certificate())
			clock := dbtest.NewClock()
			a := openTestApp(t, engine, clock)
			a.log.Witness = witness(server.URL+"/log?key=hunter2", witnessToken, roots)
			var want []int64
			work := func() {
				t.Helper()
				clock.Advance(witnessAgain)
				g, ctx := errgroup.WithContext(t.Context())
				for _, owner := range []string{"one", "two"} {
					g.Go(func() error { return a.workWitness(ctx, owner) })
				}
				if err := g.Wait(); err != nil {
					t.Fatal(err)
				}
				if got := s.sizes(a.log.Signer.Public()); !slices.Equal(got, want) {
					t.Fatalf("the other machine has %d of %d", got, want)
				}
			}
			a.checkpointNow(t)
			want = append(want, a.checkpointNow(t))
			work()
			for range 3 {
				want = append(want, a.checkpointNow(t))
			}
			work()
			work()
			missed := want
			for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusUnauthorized, http.StatusServiceUnavailable} {
				s.answer(status)
				missed = append(missed, a.checkpointNow(t))
				work()
				told, err := a.log.Told(t.Context())
				if err != nil || told.Class != audit.WitnessAnswer || told.Status != int64(status) || told.Waiting == 0 {
					t.Errorf("%d: %+v, %v", status, told, err)
				}
			}
			clock.Advance(50 * time.Hour)
			chain, err := a.evidence.Check(t.Context(), accounttest.Actor(account.Auditor))
			if err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()
			if words := broken(ctx, chain); !strings.Contains(words, a.log.Witness.Host) || strings.Contains(words, "hunter2") {
				t.Errorf("the banner says %q", words)
			}
			s.answer(http.StatusNoContent)
			want = missed
			work()
			secretless(t, a)
		})
	}
}

// secretless looks for the address and the token in everything that was written down.
func secretless(t *testing.T, a *app) {
	t.Helper()
	var leaves []string
	err := a.db.Read(t.Context(), func(tx *db.Tx) error { return tx.Table("audit_leaf").Pluck("leaf", &leaves).Error })
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(leaves, "\n")
	if strings.Contains(text, "hunter2") || strings.Contains(text, "/log") || !strings.Contains(text, a.log.Witness.Host) {
		t.Errorf("the log says of the address: %s", text)
	}
	if found, err := a.checker().Run(t.Context(), true); err != nil || len(found.Findings) != 0 {
		t.Errorf("fsck: %v, %v", found, err)
	}
}

// Whatever is wrong at the other end has its words, none of them with the address's secrets.
func TestAWitnessThatDoesNotTakeItIsToldWhy(t *testing.T) {
	slow := make(chan struct{})
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-slow }))
	defer hanging.Close()
	defer close(slow)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	for address, class := range map[string]string{
		tls.URL: audit.WitnessTLS, hanging.URL: audit.WitnessTimeout, gone.URL: audit.WitnessAway, endless.URL: "",
	} {
		w := witness(address+"/log?key=hunter2", witnessToken, nil)
		patience := time.Minute
		if class == audit.WitnessTimeout {
			patience = time.Second
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := w.Post(ctx, "origin", "note")
		cancel()
		var n *audit.NotTaken
		switch {
		case class == "" && err != nil:
			t.Errorf("an endless answer: %v", err)
		case class != "" && (!errors.As(err, &n) || n.Class != class || strings.Contains(err.Error(), "hunter2") || !locale.Has("audit.witness_"+class)):
			t.Errorf("%s: %v", class, err)
		}
	}
	if witness("", "", nil) != nil {
		t.Error("no address is a witness")
	}
	for _, class := range []string{audit.WitnessAnswer, audit.WitnessOther} {
		if !locale.Has("audit.witness_" + class) {
			t.Errorf("%s has no words", class)
		}
	}
}

func TestAnAddressForCheckpointsIsOne(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(witnessToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, says := range map[string]string{
		"": "", "https://log.example.cn/qingdang": "", "http://127.0.0.1:8000": "", "http://localhost/x": "", "http://[::1]:80/": "",
		"http://10.0.0.7:8000": "must be https", "http://127.0.0.1.example.cn": "must be https", "http://localhost.example.cn": "must be https",
		"https://me:pw@log.example.cn": "QINGDANG_CHECKPOINT_TOKEN_FILE", "https://me@log.example.cn": "QINGDANG_CHECKPOINT_TOKEN_FILE",
		"log.example.cn": "must be an https", "file:///etc/passwd": "must be an https", "https://": "must be an https", "::": "must be an https",
	} {
		pairs := map[string]string{"QINGDANG_CHECKPOINT_URL": address}
		if address != "" {
			pairs["QINGDANG_CHECKPOINT_TOKEN_FILE"] = token
		}
		c, err := loadConfig(env(pairs))
		switch {
		case says == "" && err != nil:
			t.Errorf("%q: %v", address, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "pw@")):
			t.Errorf("%q: %v", address, err)
		case says == "" && address != "" && c.WitnessToken != witnessToken:
			t.Errorf("the token is %q", c.WitnessToken)
		}
	}
	for name, pairs := range map[string]map[string]string{
		"QINGDANG_CHECKPOINT_URL":   {"QINGDANG_CHECKPOINT_TOKEN": witnessToken},
		"QINGDANG_CHECKPOINT_TOKEN": {"QINGDANG_CHECKPOINT_URL": "https://log.example.cn", "QINGDANG_CHECKPOINT_TOKEN": "two\r\nlines"},
	} {
		if _, err := loadConfig(env(pairs)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", pairs, err)
		}
	}
}
