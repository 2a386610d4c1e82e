package facts_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// TestCalls reads which hosts the commands of probes name. A command that asks its own container names none.
func TestCalls(t *testing.T) {
	for command, want := range map[string]string{
		`["redis-cli", "ping"]`:                                                              "",
		`["mysqladmin", "ping", "-h", "localhost"]`:                                          "",
		`["mysqladmin", "ping", "-h", "127.0.0.1"]`:                                          "",
		`["rabbitmq-diagnostics", "-q", "ping"]`:                                             "",
		`["nc", "-z", "localhost", "5672"]`:                                                  "",
		`["/bin/grpc_health_probe", "-addr=:9090"]`:                                          "",
		`["grpc_health_probe", "-addr=localhost:90"]`:                                        "",
		`["curl", "-sf", "http://127.0.0.1:3000/api"]`:                                       "",
		`["wget", "-qO-", "http://[::1]:80/"]`:                                               "",
		`["python", "/app/health.py"]`:                                                       "",
		`["cat", "/tmp/app.ready"]`:                                                          "",
		`["sh", "-c", "test -f /tmp/ready.txt"]`:                                             "",
		`["sh", "-c", "curl http://$(hostname):80/"]`:                                        "",
		`["sh", "-c", "curl http://$POD_IP:80/"]`:                                            "",
		`["mongo", "--eval", "db.adminCommand('ping')"]`:                                     "",
		`["java", "-cp", "app.jar", "com.example.Health"]`:                                   "",
		`["sh", "-c", "redis-cli -h $(REDIS_HOST) ping"]`:                                    "",
		`["redis-cli", "-h", "redis", "ping"]`:                                               "redis",
		`["redis-cli", "-h", "redis.cache", "ping"]`:                                         "redis.cache",
		`["redis-cli", "--host=redis", "ping"]`:                                              "redis",
		`["sh", "-c", "pg_isready -U app -h postgres -p 5432"]`:                              "postgres",
		`["kafka-topics.sh", "--bootstrap-server", "kafka:9092,kafka-2:9092", "--list"]`:     "kafka kafka-2",
		`["curl", "-f", "https://api.stripe.com/health"]`:                                    "api.stripe.com",
		`["nc", "-z", "rabbit", "5672"]`:                                                     "rabbit",
		`["sh", "-c", "curl -sf http://ledger.bank.svc.cluster.local:8080/ready || exit 1"]`: "ledger.bank.svc.cluster.local",
		`[]`: "",
	} {
		var parts []string
		if err := yaml.Unmarshal([]byte(command), &parts); err != nil {
			t.Fatal(err)
		}
		d := derive(t, pod(`livenessProbe: {exec: {command: `+command+`}}`))
		got := workload(t, d, "workloads/shop/deployment/a").Containers[0].Liveness.Calls
		if diff := cmp.Diff(strings.Fields(want), append([]string{}, got...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", command, diff)
		}
	}
}
