package databases_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/scanners/databases"
)

func TestSystems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		old  bool
		want string
	}{
		{"PostgreSQL", true, "postgresql"},
		{"mssql", true, "microsoft.sql_server"},
		{"mssql", false, "microsoft.sql_server"}, // which some write by the new name of the attribute, too
		{"cache", true, "intersystems.cache"},
		{"cache", false, "cache"},
		{" a:b/c ", false, "a_b_c"},
	} {
		if got := databases.System(c.name, c.old); got != c.want {
			t.Errorf("%q (old: %v) is %q, want %q", c.name, c.old, got, c.want)
		}
	}
	for port, want := range map[string]bool{"9000": true, "8123": true, "5432": false, "": false} {
		if got := databases.IsDefaultPort("clickhouse", port); got != want {
			t.Errorf("%q: %v", port, got)
		}
	}
	for name, want := range map[string]bool{
		"Redis": true, "kafka": true, "mssql": true, "snowflake": true, "orders": false, "orders-redis": false, "": false,
	} {
		if got := databases.IsProduct(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
