package main

// migrateCommand brings the database up to date and does nothing else.
type migrateCommand struct{}

// Run migrates: opening the application does.
func (migrateCommand) Run(t *terminal) error {
	return t.withClosedApp(func(*app) error {
		t.say("cli.migrated")
		return nil
	})
}
