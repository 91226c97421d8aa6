package seal

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A packed document is one byte, the number of its dictionary (0 for none), and one zstd frame
// (RFC 8878). It carries no checksum: it is packed to be sealed, and the seal has one.
//
// Length leaks through encryption: packed text tells a thief of the database how repetitive it was.

// packer holds an encoder per dictionary and the one decoder that knows them all. EncodeAll and
// DecodeAll may be called by many goroutines.
type packer struct {
	newest   byte
	encoders map[byte]*zstd.Encoder
	decoder  *zstd.Decoder
}

// packing is made at the first use: the encoders take some megabytes, which a command that packs
// nothing need not pay for.
var packing = sync.OnceValue(newPacker)

func newPacker() *packer {
	dicts, newest := dictionaries()
	p := &packer{newest: newest, encoders: map[byte]*zstd.Encoder{0: newEncoder(nil)}}
	options := []zstd.DOption{zstd.WithDecoderMaxMemory(MaxDocument), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderConcurrency(0)}
	for id, d := range dicts {
		p.encoders[id] = newEncoder(d)
		options = append(options, zstd.WithDecoderDicts(d))
	}
	var err error
	if p.decoder, err = zstd.NewReader(nil, options...); err != nil {
		panic(err) // the options and the dictionaries are constants of this build
	}
	return p
}

func newEncoder(dictionary []byte) *zstd.Encoder {
	options := []zstd.EOption{
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(false),
		zstd.WithZeroFrames(true),    // an empty document is a frame too
		zstd.WithSingleSegment(true), // states its length even if that is short, which Unpack relies on
		zstd.WithWindowSize(512 << 10),
		zstd.WithLowerEncoderMem(true),
	}
	if dictionary != nil {
		options = append(options, zstd.WithEncoderDict(dictionary))
	}
	e, err := zstd.NewWriter(nil, options...)
	if err != nil {
		panic(err)
	}
	return e
}

// Pack compresses a document with the newest dictionary. It returns ErrTooLarge beyond MaxDocument.
func Pack(plain []byte) ([]byte, error) { return PackWith(packing().newest, plain) }

// PackWith compresses with a given dictionary. 0 is for data that is not chat text, where a dictionary
// only costs time.
func PackWith(dictionary byte, plain []byte) ([]byte, error) {
	if len(plain) > MaxDocument {
		return nil, ErrTooLarge
	}
	encoder, ok := packing().encoders[dictionary]
	if !ok {
		return nil, &FormatError{What: "dictionary", Got: int(dictionary)}
	}
	out := make([]byte, 1, 64+len(plain)/2)
	out[0] = dictionary
	return encoder.EncodeAll(plain, out), nil
}

// Unpack is the inverse of Pack. What it allocates is bounded by its input: a frame states its length, and
// a block of at least four bytes holds at most maxBlock (RFC 8878, section 3.1.1.2).
func Unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, ErrTampered
	}
	p, frame := packing(), packed[1:]
	if _, ok := p.encoders[packed[0]]; !ok {
		return nil, &FormatError{What: "dictionary", Got: int(packed[0])}
	}
	var head zstd.Header
	if head.Decode(frame) != nil || !head.HasFCS {
		return nil, ErrTampered
	}
	size := head.FrameContentSize
	if size > MaxDocument {
		return nil, ErrTooLarge
	}
	if size > uint64(len(frame)/4+1)*maxBlock {
		return nil, ErrTampered
	}
	plain, err := p.decoder.DecodeAll(frame, make([]byte, 0, size+decodeSlack))
	if err != nil || uint64(len(plain)) != size { // something behind the frame would make it longer
		return nil, ErrTampered
	}
	return plain, nil
}

const (
	maxBlock    = 128 << 10
	decodeSlack = 16 // room that lets the decoder copy whole words at the end
)
