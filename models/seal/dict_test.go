package seal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	kdict "github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"
)

// TestBuildDictionary makes a new packing dictionary. It runs only on request:
//
//	QINGDANG_BUILD_DICTIONARY=2 go test -run TestBuildDictionary ./models/seal
//
// writes dict/2.zstd. It trains on testdata/phrases.txt, or on the text file (one document a line) that
// QINGDANG_DICTIONARY_TEXT names. A dictionary holds pieces of its training text and is public with the
// program, so never train on the words of real customers.
func TestBuildDictionary(t *testing.T) {
	var number uint32
	if n, _ := fmt.Sscan(os.Getenv("QINGDANG_BUILD_DICTIONARY"), &number); n != 1 {
		t.Skip("set QINGDANG_BUILD_DICTIONARY to a new number")
	}
	if number == 0 || number > 255 {
		t.Fatalf("dictionary %d: want a number from 1 to 255", number)
	}
	docs := chatDocuments(t, 4000, 1)
	if path := os.Getenv("QINGDANG_DICTIONARY_TEXT"); path != "" {
		docs = readLines(t, path)
	}
	b, err := kdict.BuildZstdDict(docs, kdict.Options{
		MaxDictSize: 32 << 10, HashBytes: 6, ZstdDictID: number, ZstdLevel: zstd.SpeedFastest,
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(fmt.Sprintf("dict/%d.zstd", number), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		t.Fatalf("a dictionary is never overwritten: %v", err)
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	t.Logf("dict/%d.zstd: %d bytes from %d documents", number, len(b), len(docs))
}

// message is one message of a stored conversation, as far as packing is concerned.
type message struct {
	ID   string `json:"i"`
	From string `json:"s"`
	At   int64  `json:"t"`
	Kind string `json:"k"`
	Text string `json:"x"`
}

// chatDocuments makes n conversations out of testdata/phrases.txt, always the same for one seed.
func chatDocuments(t testing.TB, n int, seed uint64) [][]byte {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 20))
	phrases := map[string][]string{}
	for _, line := range readLines(t, "testdata/phrases.txt") {
		from, text, _ := strings.Cut(string(line), " ")
		phrases[from] = append(phrases[from], text)
	}
	docs := make([][]byte, n)
	for i := range docs {
		var doc struct {
			M []message `json:"m"`
		}
		at := 1_680_000_000 + rnd.Int64N(60_000_000)
		for j := range 3 + rnd.IntN(16) {
			from := "cs"[j%2 : j%2+1]
			if rnd.IntN(12) == 0 {
				from = "y"
			}
			text := phrases[from][rnd.IntN(len(phrases[from]))]
			doc.M = append(doc.M, message{fmt.Sprintf("%d-%d", 100000+i, j+1), from, at, "text", fillIn(rnd, text)})
			at += rnd.Int64N(300)
		}
		docs[i], _ = json.Marshal(doc)
	}
	return docs
}

// fillIn replaces the braces of a phrase.
func fillIn(rnd *rand.Rand, text string) string {
	pick := func(list string) string { w := strings.Fields(list); return w[rnd.IntN(len(w))] }
	return strings.NewReplacer(
		"{品}", pick("手机 耳机 空调 洗衣机 外套 连衣裙 运动鞋 奶粉 面膜 充电器 行李箱 电饭煲 床垫 平板电脑 口红"),
		"{日}", fmt.Sprintf("%d月%d日", 1+rnd.IntN(12), 1+rnd.IntN(28)),
		"{号}", fmt.Sprintf("%013d", rnd.Int64N(1e13)),
		"{金}", fmt.Sprint(5+rnd.IntN(900)),
		"{机}", fmt.Sprintf("%010d", 3e9+rnd.Int64N(6e9)),
		"{工}", fmt.Sprint(1000+rnd.IntN(9000)),
		"{姓}", pick("王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 林 郭 何 高 罗"),
		"{市}", pick("北京市 上海市 广州市 深圳市 杭州市 成都市 武汉市 南京市 西安市 重庆市"),
		"{区}", pick("朝阳区 海淀区 浦东新区 天河区 西湖区 江宁区 高新区 雁塔区"),
		"{路}", pick("人民路 中山路 解放路 建设路 文化路 长江路"),
		"{门}", fmt.Sprint(1+rnd.IntN(300)),
	).Replace(text)
}

func readLines(t testing.TB, path string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	scan := bufio.NewScanner(bytes.NewReader(b))
	scan.Buffer(nil, 4<<20)
	for scan.Scan() {
		if len(scan.Bytes()) > 0 {
			lines = append(lines, bytes.Clone(scan.Bytes()))
		}
	}
	return lines
}
