package db

import (
	"context"
	"fmt"
)

type setting struct {
	Name  string `gorm:"primaryKey"`
	Value string
}

// TableName is setting.
func (setting) TableName() string { return "setting" }

// Setting reads one of the installation's own facts, "" if it was never set.
func (d *DB) Setting(ctx context.Context, name string) (value string, err error) {
	err = d.Read(ctx, func(tx *Tx) error {
		var rows []setting
		if err := tx.Where("name = ?", name).Find(&rows).Error; err != nil {
			return fmt.Errorf("read setting: %w", err)
		}
		value = ""
		if len(rows) == 1 {
			value = rows[0].Value
		}
		return nil
	})
	return value, err
}

// SetSetting stores a fact that has not been set. If somebody else was faster, it fails.
func (d *DB) SetSetting(ctx context.Context, name, value string) error {
	return d.Write(ctx, func(tx *Tx) error { return tx.Create(&setting{Name: name, Value: value}).Error })
}
