package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// ioctl asks the driver of a terminal for something.
func ioctl(t *testing.T, f *os.File, what uintptr, with unsafe.Pointer) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), what, uintptr(with)); errno != 0 {
		t.Fatalf("ioctl %x: %v", what, errno)
	}
}

// openTerminal gives both ends of a terminal that nobody sits at.
func openTerminal(t *testing.T) (keyboard, program *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("this machine gives no terminals: %v", err)
	}
	var unlock, number uint32
	ioctl(t, keyboard, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	ioctl(t, keyboard, syscall.TIOCGPTN, unsafe.Pointer(&number))
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = program.Close(), keyboard.Close() })
	return keyboard, program
}

// What is typed as a passphrase does not stand on the screen; from a pipe it is read as it comes.
func TestAPassphraseIsNotShown(t *testing.T) {
	keyboard, program := openTerminal(t)
	hidden := func() bool {
		var mode syscall.Termios
		ioctl(t, program, syscall.TCGETS, unsafe.Pointer(&mode))
		return mode.Lflag&syscall.ECHO == 0
	}
	if hidden() {
		t.Fatal("the terminal shows nothing from the start")
	}
	read := make(chan string, 1)
	go func() {
		line, err := (&terminal{in: program, err: io.Discard}).secret()
		if err != nil {
			line = err.Error()
		}
		read <- line
	}()
	patience := time.After(browserPatience)
	for !hidden() {
		select {
		case <-patience:
			t.Fatal("the terminal still shows what is typed")
		case line := <-read:
			t.Fatalf("%q was read before anything was typed", line)
		case <-time.After(5 * time.Millisecond):
		}
	}
	if _, err := keyboard.WriteString("AAAA-BBBB\n"); err != nil {
		t.Fatal(err)
	}
	if line := <-read; line != "AAAA-BBBB" {
		t.Errorf("%q was read", line)
	}
	if hidden() {
		t.Error("the terminal is left without echo")
	}
	if _, err := program.WriteString("end"); err != nil {
		t.Fatal(err)
	}
	shown := make([]byte, 100)
	if n, err := keyboard.Read(shown); err != nil || string(shown[:n]) != "end" {
		// ReadPassword lets the Enter key through as a new line.
		if string(shown[:n]) != "\r\nend" && string(shown[:n]) != "\r\n" {
			t.Errorf("the screen shows %q, %v", shown[:n], err)
		}
	}
}
