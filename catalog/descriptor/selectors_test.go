package descriptor_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog/descriptor"
)

func TestSelectors(t *testing.T) {
	const id, selector, namespace = "backstage.io/kubernetes-id", "backstage.io/kubernetes-label-selector", "backstage.io/kubernetes-namespace"
	for _, test := range []struct {
		name        string
		annotations []string // in lines from 6 on
		want        string   // the selector and its line
		problem     string   // part of it
	}{
		{name: "none", annotations: []string{namespace + ": shop"}},
		{name: "id", annotations: []string{id + ": checkout"}, want: "backstage.io/kubernetes-id=checkout 6"},
		{
			name: "id in a namespace", annotations: []string{namespace + ": Shop", id + ": checkout"},
			want: "backstage.io/kubernetes-id=checkout in namespace shop 7",
		},
		{name: "a selector takes the place of the id", annotations: []string{selector + ": app=b", id + ": a"}, want: "app=b 6"},
		{
			name: "all operators", annotations: []string{selector + ": 'app in (b, a),tier==web,x!=y,z notin (q),here,!gone'"},
			want: "app in (a,b),!gone,here,tier=web,x!=y,z!=q 6",
		},
		{name: "bad id", annotations: []string{id + ": 'two words'"}, problem: `"two words" is no value that a label can have`},
		{name: "empty id", annotations: []string{id + ": ''"}, problem: `"" is no value`},
		{
			name: "bad selector, good id", annotations: []string{selector + ": 'app=='", id + ": a", namespace + ": n"},
			want: "app= in namespace n 6",
		},
		{
			name: "no selector, good id", annotations: []string{selector + ": 'app in'", id + ": a"},
			want: "backstage.io/kubernetes-id=a 7", problem: `"app in" is no label selector: `,
		},
		{name: "selects nothing", annotations: []string{selector + ": app,!gone"}, problem: "names no value that a label must have"},
		{name: "numbers", annotations: []string{selector + ": 'app=a,size>2'"}, problem: "compares numbers"},
		{name: "long", annotations: []string{selector + ": app=" + strings.Repeat("a", 5000)}, problem: "has 5004 bytes"},
		{
			name: "long error", annotations: []string{selector + ": 'app in (" + strings.Repeat("-,", 1000) + ")'"},
			problem: "is no label selector",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: t\n  annotations:\n    " +
				strings.Join(test.annotations, "\n    ") + "\nspec: {type: service, lifecycle: production, owner: o}\n"
			parsed := descriptor.Parse([]byte(text), descriptor.Options{Location: "catalog-info.yaml"}).Documents[0]
			if parsed.Document == nil {
				t.Fatal(parsed.Problems)
			}
			var got string
			for _, s := range parsed.Document.Claims[0].Selectors {
				got += fmt.Sprint(s, " ", s.Line)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			switch problems := parsed.Problems; {
			case test.problem == "" && len(problems) > 0:
				t.Error(problems)
			case test.problem == "":
			case len(problems) != 1 || !strings.Contains(problems[0].Message, test.problem) || problems[0].Line == 0 ||
				problems[0].Severity.String() != "WARNING" || len(problems[0].Message) > 600:
				t.Errorf("%v", problems)
			}
		})
	}
}
