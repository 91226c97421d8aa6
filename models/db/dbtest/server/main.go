// Command server runs another command beside a private MariaDB, so that all test
// binaries of one run share it:
//
//	go run ./models/db/dbtest/server go test ./...
//
// What begins with two dashes before the command goes to the server.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"qingdang/models/db/dbtest"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "private MariaDB:", err)
	}
	os.Exit(code)
}

func run(command []string) (int, error) {
	var more []string
	for len(command) > 0 && strings.HasPrefix(command[0], "--") {
		more, command = append(more, command[0]), command[1:]
	}
	if len(command) == 0 {
		return 2, fmt.Errorf("which command should run beside it?")
	}
	dir, err := os.MkdirTemp("", "qd-maria-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	s, err := dbtest.StartServer(dir, more...)
	if err != nil {
		return 1, err
	}
	defer s.Kill()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), dbtest.ServerVariable+"="+s.DSN)
	if err := cmd.Run(); err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			return exit.ExitCode(), nil
		}
		return 1, err
	}
	return 0, nil
}
