package main

type migrateCommand struct{}

func (migrateCommand) Run(t *terminal) error { return t.withApp(func(*app) error { return nil }) }

type fsckCommand struct{}

func (fsckCommand) Run(t *terminal) error { return nil }

type verifyCommand struct{}

func (verifyCommand) Run(t *terminal) error { return nil }
