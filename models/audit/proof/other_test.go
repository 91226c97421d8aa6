package proof_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"qingdang/models/audit/proof"
)

// What was never signed is named; evidence is never taken for it, however it was damaged.
func TestOtherFilesAreToldFromDamagedEvidence(t *testing.T) {
	for want, files := range map[string][]string{
		proof.OtherEmpty:      {"", "\ufeff", " \n\n"},
		proof.OtherPDF:        {"%PDF-1.7\n%\xe2\xe3", "%PDF-1.4 qingdang/certificate/v1"},
		proof.OtherArchive:    {"PK\x03\x04\x14\x00", "PK\x05\x06\x00"},
		proof.OtherEncrypted:  {"age-encryption.org/v1\n-> scrypt x 18\n"},
		proof.OtherManifest:   {`{"version":1,"code":"EX-20261119-007","purpose":"p","listed":3,"left_out":0,"root":"ab","files":[]}`},
		proof.OtherCheckpoint: {"qingdang.test/audit\n11\nroot=\n\n— qingdang.test abc=\n"},
		proof.OtherTable:      {"\ufeffseq,conversation\n0,C-1\n", "a,b"},
		proof.OtherText:       {"hello", "SC-1/C-1\nSC-1/C-2\n"},
		proof.OtherJSON:       {`{"a":1}`, `[1,2]`, "\n{}\n"},
		"": {
			`{"body":{}}`, `{"format":"qingdang/certificate/v9"}`, `{"leaf":{}}`, `{"a":`, "{", "[", "\x00\x00", "caf\xe9", "x qingdang/log/v1",
			`{"hashes":["x"],"leaf":{}}` + "\n" + `{"hashes":["y"],"leaf":{}}`,
		},
	} {
		for _, f := range files {
			if got := proof.Other([]byte(f)); got != want {
				t.Errorf("%q is %q, want %q", f, got, want)
			}
		}
	}
	for _, name := range []string{"testdata/v1/certificate.json", "testdata/v1/log.jsonl"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= len(data); n++ {
			flipped := slices.Clone(data)
			flipped[n-1] ^= 1 << (n % 8)
			for how, damaged := range map[string][]byte{"cut behind": data[:n], "changed at": flipped, "cut before": data[n-1:]} {
				if other := proof.Other(damaged); other != "" && !lost(damaged, data) {
					t.Fatalf("%s %s byte %d passes for %q", name, how, n, other)
				}
			}
		}
		var members map[string]json.RawMessage
		if json.Unmarshal(data, &members) != nil {
			continue // a log is lines
		}
		for gone := range members {
			left := map[string]json.RawMessage{}
			for k, v := range members {
				if k != gone {
					left[k] = v
				}
			}
			if again, err := json.Marshal(left); err != nil || proof.Other(again) != "" {
				t.Errorf("without %s it passes for %q, %v", gone, proof.Other(again), err)
			}
		}
	}
}

// lost tells that of a file only an end is left which has nothing of ours any more.
func lost(damaged, whole []byte) bool { return len(damaged) < len(whole)/2 && damaged[0] != '{' }
