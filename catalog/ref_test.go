package catalog_test

import (
	"errors"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestParseRef(t *testing.T) {
	for _, c := range []struct {
		s, kind, namespace string
		want               catalog.Ref
		wantErr            error
	}{
		{s: "component:shop/checkout", want: "component:shop/checkout"},
		{s: "Component:Shop/CheckOut", want: "component:shop/checkout"},
		{s: "checkout", kind: "Component", want: "component:default/checkout"},
		{s: "checkout", kind: "Component", namespace: "shop", want: "component:shop/checkout"},
		{s: "api:p", kind: "Component", namespace: "shop", want: "api:shop/p"},
		{s: "other/p", kind: "API", namespace: "shop", want: "api:other/p"},
		{s: "group:a/b/c", want: "group:a/b/c"},
		{s: "a:b:c", want: "a:default/b:c"},
		{s: "x/y:z", kind: "k", want: "k:x/y:z"},
		{s: "user:a@b.c", want: "user:default/a@b.c"},
		{s: "@org/team", kind: "Group", want: "group:@org/team"},
		{s: " group:x ", want: " group:default/x "},
		{s: "group:ÉQUIPE", want: "group:default/équipe"},
		{s: "group:İK", want: "group:default/i̇k"},

		{s: "", kind: "k", wantErr: catalog.ErrRef},
		{s: ":x", kind: "k", wantErr: catalog.ErrRef},
		{s: "k:", wantErr: catalog.ErrRef},
		{s: "k:/x", wantErr: catalog.ErrRef},
		{s: "k:n/", wantErr: catalog.ErrRef},
		{s: "/x", kind: "k", wantErr: catalog.ErrRef},
		{s: "checkout", wantErr: catalog.ErrRefKind},
		{s: "shop/checkout", wantErr: catalog.ErrRefKind},
	} {
		got, err := catalog.ParseRef(c.s, c.kind, c.namespace)
		if got != c.want || !errors.Is(err, c.wantErr) {
			t.Errorf("ParseRef(%q, %q, %q) = %q, %v; want %q, %v", c.s, c.kind, c.namespace, got, err, c.want, c.wantErr)
		}
		if err != nil && !errors.Is(err, catalog.ErrRef) {
			t.Errorf("the error of ParseRef(%q) does not wrap ErrRef: %v", c.s, err)
		}
	}
}

func TestRefParts(t *testing.T) {
	ref := catalog.NewRef("API", "Shop", "a/b:c")
	if ref.Kind() != "api" || ref.Namespace() != "shop" || ref.Name() != "a/b:c" {
		t.Errorf("%q has the parts %q, %q, %q", ref, ref.Kind(), ref.Namespace(), ref.Name())
	}
	var nothing catalog.Ref
	if nothing.Kind() != "" || nothing.Namespace() != "" || nothing.Name() != "" {
		t.Errorf("the zero Ref has parts")
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"component:shop/checkout", "a", "x/y:z", ":", "/", "a:b:c", "k:İ/Σ", "k:\xff", "ǅ:Ⅷ/K"} {
		f.Add(s, "component", "shop")
	}
	f.Fuzz(func(t *testing.T, s, kind, namespace string) {
		ref, err := catalog.ParseRef(s, kind, namespace)
		if err != nil {
			if ref != "" || !errors.Is(err, catalog.ErrRef) {
				t.Fatalf("ParseRef(%q) = %q, %v", s, ref, err)
			}
			return
		}
		// Defaults are the caller's own and not looked at; a written part is.
		for _, separator := range []byte(":/") {
			for _, part := range []string{kind, namespace} {
				for i := range len(part) {
					if part[i] == separator {
						return
					}
				}
			}
		}
		again, err := catalog.ParseRef(string(ref), "", "")
		if err != nil || again != ref {
			t.Fatalf("ParseRef(%q) = %q, which reads as %q, %v", s, ref, again, err)
		}
		if joined := catalog.NewRef(ref.Kind(), ref.Namespace(), ref.Name()); joined != ref {
			t.Fatalf("the parts of %q make %q", ref, joined)
		}
	})
}
