package hosts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/hosts"
)

// found writes references as "host[:port][ protocol] FORM", one an item.
func found(name, value string) []string {
	forms := []string{"word", "dotted", "port", "url"}
	var all []string
	for _, r := range hosts.Extract(name, value) {
		s := r.Host
		if r.Port != 0 {
			s += fmt.Sprint(":", r.Port)
		}
		if r.Protocol != "" {
			s += " " + r.Protocol
		}
		all = append(all, s+" "+forms[r.Form])
	}
	return all
}

func TestExtract(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        []string
	}{
		{"URL", "http://web:8080/", []string{"web:8080 http url"}},
		{"MONGO_DB_URL", "mongodb://mongodb:27017/test", []string{"mongodb:27017 mongodb url"}},
		{"MONGO", "mongodb://u:s3cret@a:27017,b:27018,c/db?replicaSet=rs0", []string{"a:27017 mongodb url", "b:27018 mongodb url", "c mongodb url"}},
		{"MONGO", "mongodb+srv://u:p@cluster0.abc.mongodb.net/x", []string{"cluster0.abc.mongodb.net mongodb url"}},
		{"U", "jdbc:mysql:loadbalance://a:1,b:2/x", []string{"a:1 mysql url", "b:2 mysql url"}},
		{"U", "jdbc:oracle:thin:@host:1521:ORCL", []string{"host:1521 oracle url"}},
		{"U", "jdbc:oracle:thin:scott/tiger@//host:1521/svc", []string{"host:1521 oracle url"}},
		{"U", "jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=ora)(PORT=1521)))", []string{"ora oracle url"}},
		{"U", "jdbc:sqlserver://mssql:1433;databaseName=x;user=sa;password=p@ss", []string{"mssql:1433 mssql url"}},
		{"U", "r2dbc:postgresql://pg:5432/x", []string{"pg:5432 postgresql url"}},
		{"ConnectionStrings__Db", "Server=tcp:db,1433;Initial Catalog=x;User Id=sa;Password=Pass@word", []string{"db:1433 mssql url"}},
		{"ConnectionStrings__Db", "Host=pg;Port=5432;Database=x;Password=a=b", []string{"pg url"}},
		{"DSN", "host=db port=5432 user=u password=secret dbname=orders", []string{"db word"}},
		{"DSN", "user:p@ss@tcp(db:3306)/x?parseTime=true", []string{"db:3306 mysql url"}},
		{"PDO", "mysql:host=mysql;dbname=x", []string{"mysql url"}},
		{"BROKERS", "k1:9092,k2:9092", []string{"k1:9092 kafka port", "k2:9092 kafka port"}},
		{"BROKERS", "PLAINTEXT://k1:9092,PLAINTEXT://k2:9092", []string{"k1:9092 kafka url", "k2:9092 kafka url"}},
		{"REDIS", "redis:6379,password=secret,ssl=False", []string{"redis:6379 redis port"}},
		{"REDIS_URL", "redis://:pa#ss@redis:6379/0", nil},
		{"SENTINELS", "s1:26379;s2:26379", []string{"s1:26379 redis port", "s2:26379 redis port"}},
		{"NATS_URL", "nats://n1:4222,nats://n2:4222", []string{"n1:4222 nats url", "n2:4222 nats url"}},
		{"DB_HOST", "mysqldb", []string{"mysqldb word"}},
		{"DB_HOST", "mysqldb.data", []string{"mysqldb.data dotted"}},
		{"ZIPKIN", "zipkin.jaeger.svc.cluster.local", []string{"zipkin.jaeger.svc.cluster.local dotted"}},
		{"X", "[2001:db8::1]:5432", []string{"2001:db8::1:5432 postgresql port"}},
		{"", "--db-host=x", []string{"x word"}},
		{"--db-host", "x", []string{"x word"}},
		{"JAVA_OPTS", "-Xmx1g -Dspring.datasource.url=jdbc:mysql://db/x -Da.b=c", []string{"db mysql url"}},
		{"JAVA_OPTS", "-Dspring.zipkin.enabled=false -Dspring.zipkin.base-url=http://zipkin:9411", nil},
		{"command", "until nc -z db 5432; do echo waiting for other:80; sleep 1; done", []string{"db:5432 postgresql port"}},
		{"command", "until nslookup myservice; do sleep 2; done", []string{"myservice dotted"}},
		{"command", "curl -fsS http://x/healthz && ./wait-for-it.sh db:5432 -- run", []string{"x http url", "db:5432 postgresql port"}},
		{"command", "git clone https://github.com/acme/x /x && wget -O out http://y/z", []string{"github.com http url", "y http url"}},
		{"command", "psql -h pg -U user db; mysqladmin ping -h my.data", []string{"pg dotted", "my.data dotted"}},
		{"URL", "<%= \"redis://:#{pw}@redis.default.svc:6379\" %>", []string{"redis.default.svc:6379 redis url"}},
		{"URL", "jdbc:mysql://${DB_HOST:mysql}:3306/x", []string{"mysql:3306 mysql url"}},
		{"URL", "http://user:${PASS}@orders:{{ .Values.port }}/", []string{"orders http url"}},
		{"USER_HOST", "user", []string{"user word"}},
		{"RESULT_BACKEND", "db+postgresql://u:p@pg:5432/x", []string{"pg:5432 postgresql url"}},
		{"PGHOST", "pg", []string{"pg word"}},
		{"URL", "http://$(HOST):8080/", nil},
		{"URL", "http://orders:$(PORT)/", []string{"orders http url"}},
		{"URL", "http://orders:${PORT}/x", []string{"orders http url"}},
		{"URL", "http://u:p@ss@orders:80/", []string{"orders:80 http url"}},
		{"ASPNETCORE_URLS", "http://+:80;http://*:81", nil},
		{"ConnectionStrings__Db", "Data Source=db,1433;Initial Catalog=x;User Id=sa;Password=p", []string{"db:1433 mssql url"}},
		{"ConnectionStrings__Catalog", "db", []string{"db word"}},
		{"StoreConnectionString", "redis", []string{"redis word"}},
		{"EventBusConnection", "rabbitmq", []string{"rabbitmq word"}},
		{"quarkus.stork.x.service-discovery.application", "orders", []string{"orders word"}},
		{"MQ_HOST", "guest:guest@queue", []string{"queue word"}},
		{"BROKER", "kafka.<NAMESPACE>:9092", []string{"kafka:9092 kafka port"}},
		{"URL", "http://orders.${NAMESPACE}.svc.cluster.local:80/", []string{"orders:80 http url"}},
		{"command", "getent hosts db && getent ahosts my.data", []string{"db dotted", "my.data dotted"}},
		{"STORE", "dnssrv+_grpc._tcp.store.data.svc", []string{"store.data.svc dotted"}},
		{"", "--endpoint=dns+store:10901", []string{"store:10901 port"}},
		{"", "redis-server --slaveof redis-master 6379", []string{"redis-master word"}},
		{"uri", "lb://orders", []string{"orders http dotted"}},
		{"ENV", "-Dtracing.enabled=false -Djaeger.host=jaeger -Dx.host=b", []string{"b word"}},
		// What is no host.
		{"CONNECTION_STRING_PASSWORD", "redis", nil},
		{"ssh_known_hosts", "[ssh.github.com]:443 ssh-rsa AAAA", nil},
		{"--host", "hook,hook.shop.svc", nil}, // names of a certificate
		{"URL", "http://${NAME}.svc:80/", nil},
		{"TO", "joe@orders", nil},
		{"INDEX_BUNDLE", "dist/index_bundle.js", nil},
		{"JAR", "app.jar", nil},
		{"DRIVER_URL", "com.mysql.jdbc.Driver", nil},
		{"VERSION", "1.2.3", nil},
		{"X", "12:30:00", nil},
		{"IMAGE", "redis:6", nil},
		{"CONTENT", "application/json", nil},
		{"ADMIN", "joe@example.org", nil},
		{"PERCENT", "50%", nil},
		{"FLAG", "true", nil},
		{"PORT", "8080", nil},
		{"ADDR", "0.0.0.0:80", nil},
		{"ADDR", ":8080", nil},
		{"ADDR", "localhost:80", nil},
		{"URL", "http://127.0.0.1:80", nil},
		{"URL", "http://169.254.169.254/latest", nil},
		{"NO_PROXY", "orders,payments:80", nil},
		{"CORS_ALLOWED_ORIGINS", "http://frontend:80", nil},
		{"SPRING_RABBITMQ_VIRTUAL_HOST", "orders", nil},
		{"JWT_AUDIENCE", "http://orders", nil},
		{"KAFKA_LISTENERS", "PLAINTEXT://:9092", nil},
		{"OTEL_RESOURCE_ATTRIBUTES", "service.name=orders,service.namespace=shop", nil},
		{"PROMETHEUS_ENDPOINT", "/metrics", nil},
		{"SERVICES", "orders,users", nil},
		{"fqdn_suffix", ".shop.svc.cluster.local", nil},
		{"PATTERN", `^[a-z]+\.foo:80$`, nil},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			if diff := cmp.Diff(test.want, found(test.name, test.value)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFiles(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        []string
	}{
		{
			"application.properties", "a=b\n# x=http://no:1\nspring.datasource.url=jdbc:mysql://db:3306/x\nspring.redis.host=redis\n",
			[]string{"db:3306 mysql url", "redis word"},
		},
		{
			"application.yml", "spring:\n  zipkin:\n    enabled: false\n    base-url: http://zipkin:9411\n  redis:\n    host: redis\n    port: 6379\n",
			[]string{"redis word"},
		},
		{
			"nginx.conf", "upstream api_backend {\n  server orders:8080;\n}\nserver {\n  listen 80;\n  server_name shop.local;\n  location / { proxy_pass http://api; }\n  location /u {\n    proxy_pass http://users:80/;\n  }\n}",
			[]string{"orders:8080 port", "api http url", "users:80 http url"},
		},
		{
			"envoy.yaml", "clusters:\n- name: orders\n  address:\n    socket_address: { address: orders-svc, port_value: 80 }\n- endpoint:\n    address: users\n    port_value: 80\n",
			[]string{"orders-svc word", "users word"},
		},
		{"config.json", `{"db":{"host":"pg","name":"orders"},"brokers":["k:9092"]}`, []string{"k:9092 kafka port", "pg word"}},
		{
			"prometheus.yml", "scrape_configs:\n- job_name: orders\n  static_configs:\n  - targets: ['orders:8080', \"users:80\"]\n",
			[]string{"orders:8080 port", "users:80 port"},
		},
		{
			"routes.yml", "a:\n  rule: 'all /* -> http://no'\n  url: http://a:80/\n/* b\n  url: http://b\n*/\nc:\n  url: http://c\n",
			[]string{"no http url", "a:80 http url", "c http url"},
		},
		{"init.sh", "find_hosts() {\n  if x\n  then\n    ls\n  else\n    nc -z db 5432\n  fi\n}\n", []string{"db:5432 postgresql port"}},
		{"x.json", `{"schemaVersion":1,"panels":[],"templating":{"list":[{"text":"vault.vault.svc.cluster.local"}]}}`, nil},
		{"y.json", `{"a":{"url":"http://${NAME}"},"b":{"url":"http://b"}}`, []string{"b http url"}},
		{"fluent-bit.conf", "[OUTPUT]\n    Name      es\n    Host      elastic\n    Port      9200\n", []string{"elastic word"}},
		{"logstash.conf", "output {\n  elasticsearch {\n    hosts => [\"es:9200\"]\n  }\n}\n", []string{"es:9200 port"}},
		{"filebeat.yml", "output.elasticsearch:\n  hosts: ['${ES_HOST:es}:9200']\n", []string{"es:9200 port"}},
		{"default.vcl", "backend default {\n  .host = \"orders\";\n  .port = \"80\";\n}\n", []string{"orders word"}},
		{"haproxy.cfg", "frontend in\n  bind *:80\n  use_backend orders\nbackend orders\n  server s1 orders-svc:8080 check\n", []string{"orders-svc:8080 port"}},
		{"rabbitmq.conf", "cluster_formation.k8s.host = kubernetes.default.svc.cluster.local\n# auth.url = http://no\n", []string{"kubernetes.default.svc.cluster.local dotted"}},
		{"config.toml", "[zipkin]\nenabled = false\nurl = \"http://zipkin:9411\"\n[redis]\naddr = \"redis:6379\"\n", []string{"redis:6379 redis port"}},
		{
			"list.yml", "clients:\n- name: a\n  enabled: false\n  url: http://a\n- name: b\n  url: http://b\n  hosts:\n  - c:1000\n  - d\n  host: e\nhost: f\n",
			[]string{"b http url", "c:1000 port", "d word", "e word", "f word"},
		},
		{"list.json", `{"clients":[{"enabled":false,"url":"http://a"},{"url":"http://b"}]}`, []string{"b http url"}},
		{"init.sql", "CREATE DATABASE orders; -- for users\nGRANT ALL ON orders TO users;\n", nil},
		{"tracing.json", `{"tracing":{"enabled":false,"url":"http://jaeger:4317"},"redis":{"host":"redis"}}`, []string{"redis word"}},
		{"start.sh", "#!/bin/sh\n# wait for http://no/\nuntil nc -z db 5432; do\n  sleep 1\ndone\n", []string{"db:5432 postgresql port"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := found(test.name, test.value)
			slices.Sort(got)
			slices.Sort(test.want)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	for name, want := range map[string]hosts.Naming{
		"DB_HOST": hosts.NamesHost, "StoreConnectionString": hosts.NamesHost, "ConnectionStrings__catalog": hosts.NamesHost,
		"EVENT_BUS_CONNECTION": hosts.NamesHost, "cassandra.contact-points": hosts.NamesHost,
		"stork.a.service-discovery.application": hosts.NamesHost, "stork.a.service-discovery.type": hosts.NamesOther,
		"DD_SERVICE": hosts.NamesOther, "ORDER_SERVICE": hosts.NamesHost, "SERVICE": hosts.Unnamed, "DB_NAME": hosts.NamesOther,
		"DB_CONNECTION": hosts.Unnamed, "showPoints": hosts.Unnamed, "KC_HOSTNAME": hosts.NamesOwn, "KC_DB_URL_HOST": hosts.NamesHost, "PUBLIC_URL": hosts.NamesOwn,
		"CONNECTION_STRING_PASSWORD": hosts.NamesNone, "ssh_known_hosts": hosts.NamesNone, "NO_PROXY": hosts.NamesNone,
	} {
		if got := hosts.Judge(name); got != want {
			t.Errorf("%s: %d, not %d", name, got, want)
		}
	}
}

func FuzzExtract(f *testing.F) {
	f.Add("DB_URL", "postgres://user:password@db:5432/x?sslmode=disable")
	f.Add("application.yml", "a:\n  b: http://x\n- c: [a:1, {b: c}]\n")
	f.Fuzz(func(t *testing.T, name, value string) {
		for _, r := range hosts.Extract(name, value) {
			if r.Host == "" || r.Host != strings.ToLower(r.Host) || strings.ContainsAny(r.Host, "/@ ") || r.Port < 0 || r.Port > 65535 {
				t.Fatalf("%+v", r)
			}
		}
		hosts.Off(name, value)
	})
}
