package main

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"qingdang/models/bin"
	"qingdang/models/seal"
	"qingdang/models/words"

	_ "time/tzdata" // the organisation's zone must be known on the smallest machine
)

// Config is what the environment says. Each variable has a twin with _FILE behind its name
// that names a file with the value, for secrets. Zero values run the embedded default.
type Config struct {
	DSN          string `env:"QINGDANG_DSN" doc:"MySQL DSN, user:password@tcp(host:3306)/qingdang; empty = the embedded SQLite file"`
	Data         string `env:"QINGDANG_DATA" default:"./var" doc:"folder of the embedded database, the key store, checkpoints and temporary files"`
	Keys         string `env:"QINGDANG_KEYS" doc:"folder of the key store; default: keys below QINGDANG_DATA. Back it up apart from the database"`
	RootKey      string `env:"QINGDANG_ROOT_KEY" doc:"root key of the key store, 64 hex digits; empty = root.key in the key store's folder"`
	KeyBackups   string `env:"QINGDANG_KEY_BACKUPS" doc:"folder of the daily key-store backups, on another disk; empty = no automatic backups"`
	KeyDays      int64  `env:"QINGDANG_KEY_BACKUP_DAYS" default:"7" doc:"how many days any copy of the key store may live, yours too (1–30); a certificate takes effect that much after the keys were destroyed"`
	Ledger       string `env:"QINGDANG_LEDGER" doc:"folder of the outside ledger of purges and deletion requests; default: ledger in the key store's folder. Keep it apart from the database, copy it after every purge and request"`
	Checkpoints  string `env:"QINGDANG_CHECKPOINTS" doc:"folder of the audit log's signed checkpoints; default: checkpoints below QINGDANG_DATA. Best on another machine"`
	Witness      string `env:"QINGDANG_CHECKPOINT_URL" doc:"https address of another machine that gets each checkpoint too, as a POST (http only to this machine itself); empty = none"`
	WitnessToken string `env:"QINGDANG_CHECKPOINT_TOKEN" doc:"bearer token that is sent with it; better in a file, named by the twin"`
	Exports      string `env:"QINGDANG_EXPORTS" doc:"folder of exported files, encrypted, until they are fetched or expire; default: exports below QINGDANG_DATA. Leave it out of backups"`
	Listen       string `env:"QINGDANG_LISTEN" default:"127.0.0.1:8080" doc:"address of the console"`
	HTTPS        bool   `env:"QINGDANG_HTTPS" doc:"true when people reach the console over https (behind a proxy): cookies become Secure, HSTS is sent"`
	Proxies      string `env:"QINGDANG_TRUSTED_PROXIES" doc:"networks, divided by commas, whose X-Forwarded-For is believed"`
	Organisation string `env:"QINGDANG_ORGANISATION" default:"清档" doc:"name on pages, reports and certificates"`
	Zone         string `env:"QINGDANG_ZONE" default:"Asia/Shanghai" doc:"time zone of the organisation"`
	Suite        string `env:"QINGDANG_SUITE" default:"cascade" doc:"cipher suite of new bodies: cascade (AES-256-GCM and SM4-GCM), aes or sm4"`
	UploadLimit  int64  `env:"QINGDANG_UPLOAD_MB" default:"1024" doc:"largest file that a person may upload, in MB; the command line has no limit"`

	Sensitive string `env:"QINGDANG_SENSITIVE_WORDS" doc:"file of the words to look out for, one a line, UTF-8; empty = the list of the program. Conversations are marked anew after a change"`

	BatchCap int64 `env:"QINGDANG_BATCH_CAP" default:"100000" doc:"most conversations of one batch until a second person raises it for that draft; 100000 is the highest"`

	Collect string `env:"GOGC" default:"200" doc:"by how many percent the console's memory may grow before it is cleared up; less saves memory, more saves CPU time"`

	collect   int
	location  *time.Location
	sensitive *words.List
	proxies   []netip.Prefix
}

// loadConfig reads the environment. It refuses what it cannot read and names the variable.
func loadConfig(getenv func(string) string) (*Config, error) {
	var c Config
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("env")
		if name == "" {
			continue
		}
		value, err := setting(getenv, name)
		if err != nil {
			return nil, err
		}
		if value == "" {
			value = f.Tag.Get("default")
		}
		if err := assign(v.Field(i), value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return &c, c.check()
}

func setting(getenv func(string) string, name string) (string, error) {
	value, file := getenv(name), getenv(name+"_FILE")
	switch {
	case file == "":
		return value, nil
	case value != "":
		return "", fmt.Errorf("%s and %s_FILE are both set: keep one", name, name)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimSpace(string(b)), nil
}

func assign(field reflect.Value, value string) error {
	switch field.Kind() {
	case reflect.String:
		field.SetString(value)
	case reflect.Bool:
		b, err := strconv.ParseBool(cmp.Or(value, "false"))
		if err != nil {
			return errors.New("must be true or false")
		}
		field.SetBool(b)
	case reflect.Int64:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n <= 0 {
			return errors.New("must be a number above 0")
		}
		field.SetInt(n)
	}
	return nil
}

// percent reads what the runtime takes for GOGC; -1 is off.
func percent(s string) (int, error) {
	if s == "off" {
		return -1, nil
	}
	n, err := strconv.Atoi(s)
	if err == nil && n < 1 {
		err = errors.New("a number from 1, or off")
	}
	return n, err
}

func (c *Config) check() (err error) {
	if c.collect, err = percent(c.Collect); err != nil {
		return fmt.Errorf("GOGC: %w", err)
	}
	if c.BatchCap > bin.MostItems {
		return fmt.Errorf("QINGDANG_BATCH_CAP: at most %d", bin.MostItems)
	}
	if c.location, err = time.LoadLocation(c.Zone); err != nil {
		return fmt.Errorf("QINGDANG_ZONE: %w", err)
	}
	if c.Keys == "" {
		c.Keys = filepath.Join(c.Data, "keys")
	}
	if c.Ledger == "" {
		c.Ledger = filepath.Join(c.Keys, "ledger")
	}
	if c.Exports == "" {
		c.Exports = filepath.Join(c.Data, "exports")
	}
	if c.Checkpoints == "" {
		c.Checkpoints = filepath.Join(c.Data, "checkpoints")
	}
	if rel, err := filepath.Rel(c.Keys, c.KeyBackups); c.KeyBackups != "" && err == nil && filepath.IsLocal(rel) {
		return errors.New("QINGDANG_KEY_BACKUPS: must not lie in the key store's folder")
	}
	if err := checkWitness(c.Witness, c.WitnessToken); err != nil {
		return err
	}
	if c.Sensitive != "" {
		if c.sensitive, err = readWords(c.Sensitive); err != nil {
			return fmt.Errorf("QINGDANG_SENSITIVE_WORDS: %w", err)
		}
	}
	if c.RootKey != "" {
		if _, err := decodeRootKey(c.RootKey); err != nil {
			return fmt.Errorf("QINGDANG_ROOT_KEY: %w", err)
		}
	}
	if c.KeyDays > seal.MaxBackupDays {
		return fmt.Errorf("QINGDANG_KEY_BACKUP_DAYS: must be 1 to %d", seal.MaxBackupDays)
	}
	if _, ok := suites[c.Suite]; !ok {
		return errors.New("QINGDANG_SUITE: must be cascade, aes or sm4")
	}
	for p := range strings.SplitSeq(c.Proxies, ",") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return fmt.Errorf("QINGDANG_TRUSTED_PROXIES: %w", err)
		}
		c.proxies = append(c.proxies, prefix)
	}
	return nil
}

func readWords(file string) (*words.List, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return words.ReadList(f)
}

func decodeRootKey(text string) ([]byte, error) {
	b, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != 32 {
		return nil, errors.New("must be 64 hex digits")
	}
	return b, nil
}

// databaseFile is the embedded database's file.
func (c *Config) databaseFile() string { return filepath.Join(c.Data, "qingdang.db") }

// temporary is where imports put their sealed temporary files.
func (c *Config) temporary() string { return filepath.Join(c.Data, "tmp") }
