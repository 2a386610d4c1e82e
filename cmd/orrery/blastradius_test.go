package main

import (
	"strings"
	"testing"
)

// TestLostAlternatives holds that who reads of an outage by an any-of group is told all its members.
func TestLostAlternatives(t *testing.T) {
	t.Parallel()
	got := must(t, "blast-radius", "psp-one", "psp-two", "--catalog", "testdata/shop")
	if !strings.Contains(got, "checkout → psp-one (all of psp-one, psp-two are lost)\n") {
		t.Error(got)
	}
	if got := must(t, "blast-radius", "fraud", "--catalog", "testdata/shop"); strings.Contains(got, "are lost") {
		t.Error(got)
	}
}
