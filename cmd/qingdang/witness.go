package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/job"
)

const (
	// witnessTime is how long the other machine may take, in all. A job's lease is longer.
	witnessTime = 10 * time.Second
	// witnessAnswer is how much of its answer is read; none of it is believed.
	witnessAnswer = 16 << 10
	// witnessEvery is when new checkpoints are looked for, witnessAgain when one that was not taken is offered again.
	witnessEvery = time.Minute
	witnessAgain = 5 * time.Minute
)

// originHeader names the log that a checkpoint is of, for receivers of several.
const originHeader = "Qingdang-Origin"

// witness posts checkpoints to an address, nil for none. It follows no redirect: whoever takes them is named. Nil roots are
// those that the machine trusts.
func witness(address, token string, roots *x509.CertPool) *audit.Witness {
	u, err := url.Parse(address)
	if address == "" || err != nil {
		return nil
	}
	client := &http.Client{
		Timeout:       witnessTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: witnessAnswer,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		},
	}
	post := func(ctx context.Context, origin, note string) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(note))
		if err != nil {
			return errors.New("the address is none")
		}
		r.Header.Set("Content-Type", "text/plain; charset=utf-8")
		r.Header.Set(originHeader, origin)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := client.Do(r)
		if err != nil {
			return notTaken(err)
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, witnessAnswer))
		_ = answer.Body.Close()
		if answer.StatusCode/100 != 2 {
			return &audit.NotTaken{Class: audit.WitnessAnswer, Status: int64(answer.StatusCode), Err: fmt.Errorf("it answered %d", answer.StatusCode)}
		}
		return nil
	}
	return &audit.Witness{Host: u.Host, Post: post}
}

// notTaken says why nobody answered, without the address, whose path may hold a secret.
func notTaken(err error) error {
	if of := new(url.Error); errors.As(err, &of) {
		if of.Timeout() {
			return &audit.NotTaken{Class: audit.WitnessTimeout, Err: errors.New("no answer in time")}
		}
		err = of.Err
	}
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var dial *net.OpError
	switch {
	case errors.As(err, new(*tls.CertificateVerificationError)), errors.As(err, new(x509.UnknownAuthorityError)), errors.As(err, &alert), errors.As(err, &record):
		return &audit.NotTaken{Class: audit.WitnessTLS, Err: err}
	case errors.As(err, &dial):
		return &audit.NotTaken{Class: audit.WitnessAway, Err: err}
	}
	return &audit.NotTaken{Class: audit.WitnessOther, Err: err}
}

// checkWitness refuses what checkpoints must not be posted to, and a token that nobody would get.
func checkWitness(address, token string) error {
	u, err := url.Parse(address)
	switch {
	case address == "" && token != "":
		return errors.New("QINGDANG_CHECKPOINT_TOKEN: is of no use without QINGDANG_CHECKPOINT_URL")
	case address == "":
		return nil
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("QINGDANG_CHECKPOINT_URL: must be an https address")
	case u.User != nil:
		return errors.New("QINGDANG_CHECKPOINT_URL: must not hold a name or password; put a token into a file and name that with QINGDANG_CHECKPOINT_TOKEN_FILE")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("QINGDANG_CHECKPOINT_URL: must be https; http is for this machine itself only (localhost, 127.0.0.1, ::1)")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("QINGDANG_CHECKPOINT_TOKEN: must be of visible ASCII characters")
	}
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// tellWitness is the job that hands checkpoints to the witness, one each step, which is shorter than the lease: two workers
// do not send the same one.
func (a *app) tellWitness(ctx context.Context, j *job.Job) (bool, error) {
	sent, err := a.log.Tell(ctx)
	refused := errors.As(err, new(*audit.NotTaken))
	if err != nil && !refused {
		return false, err
	}
	return a.log.Witness == nil, a.db.Write(ctx, func(tx *db.Tx) error {
		switch {
		case sent:
			return job.Advance(tx, j, 0, j.Done+1)
		case refused:
			return job.Again(tx, j, tx.Now.Add(witnessAgain))
		case a.log.Witness == nil:
			return nil
		}
		return job.Every(tx, j, witnessEvery)
	})
}
