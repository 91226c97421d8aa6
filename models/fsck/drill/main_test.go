package drill_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets more worlds live at the same time than there are processors: most of the time
// they wait for the disk, or sleep in the windows of a race.
func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range map[string]string{"test.parallel": "6", "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
