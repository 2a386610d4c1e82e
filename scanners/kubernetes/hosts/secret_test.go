package hosts_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/hosts"
)

// TestNoSecret generates addresses with credentials, as they are and with all the mistakes that people make in them, and
// looks for the credentials in what is found.
func TestNoSecret(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	signs := "!$%&'()*+,-./:;<=>?@[]^_`{|}~#\""
	secret := func(with string) string {
		var b strings.Builder
		b.WriteString("zq")
		for range 4 + random.IntN(8) {
			if random.IntN(4) == 0 {
				b.WriteByte(with[random.IntN(len(with))])
			} else {
				b.WriteByte(letters[random.IntN(len(letters))])
			}
		}
		return b.String() + "qz"
	}
	forms := []string{
		"postgres://user:%s@db:5432/x", "mongodb://%[1]s:%[1]s@a:1,b:2/x", "amqp://%s@mq/", "redis://:%s@redis:6379/0",
		"jdbc:mysql://user:%s@db/x", "jdbc:postgresql://db/x?user=u&password=%s", "user:%s@tcp(db:3306)/x", "http://db/?token=%s",
		"jdbc:oracle:thin:scott/%s@db:1521:x", "Server=db;User Id=sa;Password=%s", "host=db password=%s dbname=x",
		"redis:6379,password=%s", "https://%s@sentry.io/1", "nats://a:1,nats://u:%s@b:2", "-Dpassword=%s -Dhost=db",
		"jdbc:sqlserver://db:1433;user=sa;password=%s", "--db-url postgres://u:%s@db/x --password %[1]s", "db:\n  host: db\n  password: %s\n",
		`{"url":"http://u:%s@db/"}`, "mysql -h db -u root -p%s", "curl -u admin:%s http://db/",
	}
	for range 20000 {
		form := forms[random.IntN(len(forms))]
		with := "-._~!" // what may stand in a URL as it is, without being taken for another part
		if strings.Contains(form, "://") && strings.Contains(form, "@") && !strings.Contains(form, "\n") && random.IntN(2) == 0 {
			with = signs
		}
		hidden := secret(with)
		value := fmt.Sprintf(form, hidden)
		for _, r := range hosts.Extract("URL", value) {
			for _, part := range strings.FieldsFunc(hidden, func(r rune) bool { return strings.ContainsRune(signs, r) }) {
				if len(part) >= 4 && strings.Contains(r.Host, part) {
					t.Fatalf("%q is found in %q as %+v", hidden, value, r)
				}
			}
		}
	}
}

// TestLinear measures no time: it only ends when no part of the work is quadratic in the length of a value.
func TestLinear(t *testing.T) {
	const size = 1 << 18
	for _, part := range []string{
		"a:1,", "http://", "a.b.c.", "${", "$(", "{{", "((((", "[", "- ", "a: {b: ", "x=", "@", "://a:b@", "(HOST=a)", " ", "\t", "\n", "\\\n",
		"<!--", "/*", "a\n ", "server {", "\"", "k: v\n", "zipkin.enabled=false\n", "-h ", "nc ", "=;", "host=a;", "upstream x{\n",
	} {
		for _, name := range []string{"", "HOST", "application.yml"} {
			value := strings.Repeat(part, size/len(part))
			if n := len(hosts.Extract(name, value)); n > 512 {
				t.Errorf("%q gives %d references", part, n)
			}
			hosts.Off(name, value)
		}
	}
}
