package pairing_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// rule is a script and what is to be counted of it, whatever the order in which its spans come.
type rule struct {
	name, script, want string
}

func check(t *testing.T, rules []rule) {
	t.Helper()
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			want := []string{}
			var of []string
			for _, line := range strings.Split(rule.want, "\n") {
				if line = strings.Join(strings.Fields(line), " "); line == "" {
					continue
				}
				want = append(want, line)
				for _, word := range []string{"reach", "service"} {
					if strings.HasPrefix(line, word+" ") {
						of = append(of, strings.TrimSuffix(word, "s"), "services")
					}
				}
			}
			if !strings.Contains(rule.want, "service ") {
				of = slices.DeleteFunc(of, func(s string) bool { return s == "services" })
			}
			slices.Sort(want)
			rng := rand.New(rand.NewPCG(1, 2))
			for order := range 12 {
				all := scripted(t, rule.script)
				switch order {
				case 0:
				case 1:
					slices.Reverse(all)
				default:
					rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				}
				if diff := cmp.Diff(want, lines(paired(t, all), of...)); diff != "" {
					t.Fatalf("order %d: expected (-) and counted (+) differ:\n%s", order, diff)
				}
			}
		})
	}
}

// paired counts the spans.
func paired(t testing.TB, all []*spans.Span) *traffic.Counts {
	t.Helper()
	pairer := pairing.New(pairing.Config{Shards: 4})
	for _, span := range all {
		if err := pairer.Add(span); err != nil {
			t.Fatal(err)
		}
	}
	pairer.SettleAll()
	return together(pairer.Drain(0))
}

func TestCalls(t *testing.T) {
	check(t, []rule{
		{"client and server", `
			1/a server shop/web
			1/b<a client shop/web
			1/c<b server shop/cart`, `
			shop/web > shop/cart http 1/0
			entry shop/web 1
			reach shop/web shop/cart 1`},
		{"kinds of nobody", `
			1/a none shop/web
			1/b<a none shop/cart
			1/c<b none shop/cart
			1/d<c none shop/stock`, `
			shop/web > shop/cart http 1/0
			shop/cart > shop/stock http 1/0
			entry shop/web 1`},
		{"a client directly below a client of another service", `
			1/a client shop/web
			1/b<a client shop/gateway server.address=cart
			1/c<b server shop/cart`, `
			shop/web > shop/gateway http 1/0
			shop/gateway > shop/cart http 1/0
			entry shop/web 1`},
		{"servers below a client, at different depths", `
			1/a client shop/web
			1/i<a internal shop/web
			1/b<a server shop/cart ERROR
			1/c<i server shop/cart`, `
			shop/web > shop/cart http 2/1
			entry shop/web 1`},
		{"several services below one client", `
			1/a client shop/web
			1/b<a server shop/cart
			1/c<a server shop/stock`, `
			shop/web > shop/cart http 1/0
			shop/web > shop/stock http 1/0
			entry shop/web 1`},
		{"ids that client and server share", `
			1/a server shop/web
			1/b<a client shop/web
			1/b<a server shop/cart
			1/c<b client shop/cart server.address=stock
			1/d<b internal shop/web`, `
			shop/web > shop/cart http 1/0
			shop/cart > host:stock http 1/0
			entry shop/web 1`},
		{"a service that calls itself, seen by the remote parent only", `
			1/a server shop/web
			1/b<a server shop/web remote`, `
			lost self_call 1
			entry shop/web 1`},
		{"a server around a server of one service", `
			1/a server shop/web
			1/b<a server shop/web
			1/c<b client shop/web
			1/d<c server shop/cart`, `
			shop/web > shop/cart http 1/0
			entry shop/web 1`},
		{"a client that names its own service", `
			1/a server shop/web
			1/b<a client shop/web peer.service=web`, `
			lost self_call 1
			entry shop/web 1`},
		{"a client that names nobody", `
			1/a server shop/web
			1/b<a client shop/web
			1/c<b client shop/web`, `
			lost unmatched_client 1
			entry shop/web 1`},
		{"spans that are their own parent, and circles", `
			1/a<a server shop/web
			1/b<a client shop/web
			1/c<b server shop/cart
			2/a<c server shop/web
			2/b<a client shop/web
			2/c<b server shop/web`, `
			shop/web > shop/cart http 1/0
			lost missing_parent 2
			lost self_call 1`},
		{"roots without a name, in between", `
			1/a server -
			1/b<a client -
			1/c<b server shop/cart`, `
			lost no_service_name 2
			lost missing_parent 1`},
		{"an environment is part of who calls", `
			1/a server shop/web {deployment.environment=prod}
			1/b<a client shop/web {deployment.environment=prod} server.address=x
			2/a server shop/web {deployment.environment.name=test}
			2/b<a client shop/web {deployment.environment.name=test} server.address=x`, `
			shop/web > host:x http 1/0
			shop/web > host:x http 1/0
			entry shop/web 1
			entry shop/web 1`},
	})
}

func TestNestedClients(t *testing.T) {
	check(t, []rule{
		{"the inner names the same", `
			1/a server shop/web
			1/b<a client shop/web peer.service=fraud
			1/c<b client shop/web server.address=fraud.shop.svc.cluster.local`, `
			shop/web > shop/fraud http 1/0
			entry shop/web 1`},
		{"the inner names another", `
			1/a server shop/web
			1/b<a client shop/web peer.service=fraud
			1/c<b client shop/web server.address=api.stripe.com`, `
			shop/web > shop/fraud http 1/0
			shop/web > host:api.stripe.com http 1/0
			entry shop/web 1`},
		{"the outer names nobody, the inner two", `
			1/a server shop/web
			1/b<a client shop/web
			1/c<b client shop/web server.address=a.example.com
			1/d<b client shop/web server.address=b.example.com`, `
			shop/web > host:a.example.com http 1/0
			shop/web > host:b.example.com http 1/0
			entry shop/web 1`},
		{"a cache around the call that fills it", `
			1/a server shop/web
			1/b<a client shop/web db.system=redis server.address=cache
			1/c<b client shop/web server.address=cart
			1/d<c server shop/cart`, `
			shop/web > db:redis:cache/0 redis 1/0
			shop/web > shop/cart http 1/0
			entry shop/web 1`},
		{"a database by HTTP", `
			1/a server shop/web
			1/b<a client shop/web db.system=elasticsearch server.address=es db.namespace=logs
			1/c<b client shop/web url.full=http://es:9200/logs/_search http.request.method=GET`, `
			shop/web > db:elasticsearch:es/logs elasticsearch 1/0
			entry shop/web 1`},
		{"a database whose host only the HTTP span inside knows", `
			1/a server shop/web
			1/b<a client shop/web db.system=dynamodb aws.dynamodb.table_names=orders
			1/c<b client shop/web server.address=dynamodb.eu-west-1.amazonaws.com server.port=443`, `
			shop/web > db:aws.dynamodb:dynamodb.eu-west-1.amazonaws.com/orders aws.dynamodb 1/0
			entry shop/web 1`},
		{"an ORM around a driver", `
			1/a server shop/web
			1/b<a internal shop/web db.system=postgresql db.name=orders name=findAll
			1/c<b client shop/web db.system=postgresql db.name=orders net.peer.name=pg db.operation=SELECT`, `
			shop/web > db:postgresql:pg/orders postgresql 1/0
			entry shop/web 1`},
		{"a service without a server span that calls a database", `
			1/a server shop/web
			1/b<a client shop/cart db.system=redis server.address=cache
			1/c<a client shop/cart db.system=mysql`, `
			shop/web > shop/cart http 2/0
			shop/cart > db:redis:cache/0 redis 1/0
			entry shop/web 1
			lost unmatched_client 1`},
		{"an instrumented database behind two clients", `
			1/a server shop/web
			1/b<a client shop/web db.system.name=qdrant server.address=qdrant.data.svc db.namespace=docs
			1/c<b client shop/web rpc.system=grpc server.address=qdrant.data.svc
			1/d<c server data/vectors rpc.system=grpc`, `
			shop/web > data/vectors qdrant 1/0
			entry shop/web 1`},
		{"look-ups and connections", `
			1/a server shop/web
			1/b<a client shop/web server.address=api.stripe.com
			1/c<b internal shop/web net.peer.name=api.stripe.com net.peer.ip=1.2.3.4
			1/d<b client shop/web network.peer.address=1.2.3.4`, `
			shop/web > host:api.stripe.com http 1/0
			entry shop/web 1`},
	})
}

func TestNames(t *testing.T) {
	check(t, []rule{
		{"new names over old", `
			1/a client shop/web service.peer.name=new service.peer.namespace=other peer.service=old server.address=h
			1/b client shop/web server.address=new.example.com net.peer.name=old.example.com network.peer.address=10.0.0.1
			1/c client shop/web network.peer.address=10.0.0.2 url.full=http://x.example.com/
			1/d client shop/web url.full=https://user:secret@Y.example.com:8443/p?q http.url=http://old/`, `
			shop/web > other/new http 1/0
			shop/web > host:new.example.com http 1/0
			shop/web > host:10.0.0.2 http 1/0
			shop/web > host:y.example.com http 1/0
			entry shop/web 4`},
		{"buckets", `
			1/a client shop/web server.address=thumbs.s3.eu-west-1.amazonaws.com
			1/b client shop/web server.address=my.thumbs.s3-eu-west-1.amazonaws.com
			1/c client shop/web server.address=s3.amazonaws.com
			1/d client shop/web server.address=web.s3.svc.cluster.local`, `
			shop/web > host:s3.eu-west-1.amazonaws.com http 1/0
			shop/web > host:s3-eu-west-1.amazonaws.com http 1/0
			shop/web > host:s3.amazonaws.com http 1/0
			shop/web > host:web.s3.svc.cluster.local http 1/0
			entry shop/web 4`},
		{"systems of databases", `
			1/a client s db.system=mssql net.peer.name=SQL.internal net.peer.port=1433 db.name=Orders
			1/b client s db.system=oracle server.address=ora server.port=1522 db.name=X
			1/c client s db.system=mongodb network.peer.address=10.0.0.7 network.peer.port=27018
			1/d client s db.system.name=microsoft.sql_server server.address=sql.internal db.namespace=Orders
			1/e client s db.system=postgresql server.address=::1 server.port=5432 db.name=o
			1/f client s db.system=mysql server.address=2001:db8::1 server.port=3307
			1/g client s db.system=redis server.address=/var/run/redis.sock
			1/h client s db.system=postgresql`, `
			s > db:microsoft.sql_server:sql.internal/Orders microsoft.sql_server 2/0
			s > db:oracle.db:ora:1522/X oracle.db 1/0
			s > db:mongodb:10.0.0.7:27018 mongodb 1/0
			s > db:postgresql:localhost@s/o postgresql 1/0
			s > db:mysql:[2001:db8::1]:3307 mysql 1/0
			s > db:redis:localhost@s/0 redis 1/0
			lost unmatched_client 1
			entry s 8`},
		{"the own host is one for each service", `
			1/a client shop/cart db.system=redis net.peer.name=localhost net.peer.port=6379
			1/b client shop/web db.system=redis server.address=127.0.0.1
			1/c client shop/web db.system.name=postgresql server.address=LOCALHOST server.port=5433 db.namespace=orders`, `
			shop/cart > db:redis:localhost@shop/cart/0 redis 1/0
			shop/web > db:redis:localhost@shop/web/0 redis 1/0
			shop/web > db:postgresql:localhost@shop/web:5433/orders postgresql 1/0
			entry shop/cart 1
			entry shop/web 2`},
		{"connection strings", `
			1/a client s db.system=postgresql db.connection_string=postgresql://u:p@pg:5433/app
			1/b client s db.system=postgresql db.connection_string=jdbc:postgresql://pg/app?user=u&password=p@x
			1/c client s db.system=mssql db.connection_string=jdbc:sqlserver://sql:1434;databaseName=app;user=u;password=p
			1/d client s db.system=mssql db.connection_string=Server=tcp:sql,1434;Initial+Catalog=app;User+Id=u;Password=p
			1/e client s db.system=mysql db.connection_string=u:p@tcp(my:3306)/app
			1/f client s db.system=oracle db.connection_string=jdbc:oracle:thin:u/p@ora:1521:app
			1/g client s db.system=postgresql db.connection_string=host=pg2+port=5432+dbname=app+user=u+password=p
			1/h client s db.system=mongodb db.connection_string=mongodb://u:p@m1:27017,m2:27017/app
			1/i client s db.system=postgresql db.connection_string=postgresql://u:p/w@rd@pg:5433/app
			1/j client s db.system=redis db.connection_string=redis://:secret@cache:6379/2
			1/k client s db.system=redis db.connection_string=cache:6380,password=secret,ssl=true`, `
			s > db:postgresql:pg:5433/app postgresql 2/0
			s > db:postgresql:pg/app postgresql 1/0
			s > db:microsoft.sql_server:sql:1434/app microsoft.sql_server 2/0
			s > db:mysql:my/app mysql 1/0
			s > db:oracle.db:ora/app oracle.db 1/0
			s > db:postgresql:pg2/app postgresql 1/0
			s > db:mongodb:m1/app mongodb 1/0
			s > db:redis:cache/2 redis 1/0
			s > db:redis:cache:6380/0 redis 1/0
			entry s 11`},
		{"a server that names its caller", `
			1/a<x server shop/cart peer.service=web
			2/a server shop/cart peer.service=web`, `
			shop/web > shop/cart http 2/0
			lost missing_parent 1
			entry shop/cart 1`},
		{"who a resource is", `
			1/a server unknown_service:java {k8s.cluster.name=c} {k8s.namespace.name=shop} {k8s.statefulset.name=cart}
			2/a server unknown_service {k8s.namespace.name=shop} {k8s.deployment.name=web}
			3/a server unknown_service
			4/a server shop/pay {cloud.resource_id=arn:aws:lambda:eu-west-1:1:function:pay}`, `
			entry shop/cart 1
			entry shop/web 1
			entry shop/pay 1
			lost no_service_name 1
			service shop/cart 1/0 []
			service shop/web 1/0 []
			service shop/pay 1/0 [faas:arn:aws:lambda:eu-west-1:1:function:pay]`},
	})
}

func TestErrors(t *testing.T) {
	check(t, []rule{
		{"answers that are the caller's fault", `
			1/a server w
			1/b<a client w server.address=h ERROR http.response.status_code=429
			1/c<a client w server.address=h ERROR http.status_code=503
			1/d<a client w server.address=h ERROR rpc.system=grpc rpc.grpc.status_code=5
			1/e<a client w server.address=h ERROR rpc.system=grpc rpc.grpc.status_code=4
			1/f<a client w server.address=h ERROR`, `
			w > host:h grpc 5/3
			entry w 1`},
		{"what only one side knows", `
			1/a server w
			1/b<a client w ERROR
			1/c<b server v http.response.status_code=200
			1/d<a client w ERROR
			1/e<d server v http.response.status_code=404
			1/f<a client w
			1/g<f server v ERROR http.response.status_code=500
			1/h<a client w ERROR http.response.status_code=404
			1/i<h server v ERROR`, `
			w > v http 4/3
			entry w 1`},
		{"an error tag of old, and a status that denies it", `
			1/a client w server.address=h error=true
			1/b client w server.address=h error=true OK`, `
			w > host:h http 2/1
			entry w 2`},
	})
}

func TestSampling(t *testing.T) {
	check(t, []rule{
		{"thresholds", `
			1/a client w server.address=h ot=th:8
			2/a client w server.address=h ot=rv:1;th:c
			3/a client w server.address=h ot=th:nonsense
			4/a client w server.address=h ot=th:
			5/a client w server.address=h weight=10`, `
			w > host:h http 18/0
			entry w 18`},
		{"both sides", `
			1/a client w ot=th:c
			1/b<a server v ot=th:c ERROR`, `
			w > v http 4/4
			entry w 4
			reach w v 4`},
	})
}

func TestMessages(t *testing.T) {
	check(t, []rule{
		{"by parent, by link, in both", `
			1/a server shop/orders
			1/b<a producer shop/orders messaging.system=kafka messaging.destination.name=orders
			1/c<b consumer shop/email messaging.system=kafka messaging.destination.name=orders link=1/b
			2/a consumer shop/billing messaging.system=kafka messaging.destination.name=orders link=1/b
			2/b<a client shop/billing db.system=postgresql server.address=pg db.name=billing`, `
			shop/orders => topic:kafka:orders kafka 1/0
			shop/email <= topic:kafka:orders kafka 1/0
			shop/billing <= topic:kafka:orders kafka 1/0
			shop/billing > db:postgresql:pg/billing postgresql 1/0
			flow shop/orders > topic:kafka:orders > shop/email 1
			flow shop/orders > topic:kafka:orders > shop/billing 1
			entry shop/orders 1
			reach shop/orders topic:kafka:orders 1
			reach shop/orders shop/email 1
			reach shop/orders shop/billing 1
			reach shop/orders db:postgresql:pg/billing 1`},
		{"a chain of messages over three traces", `
			1/a server a
			1/b<a producer a messaging.system=kafka messaging.destination.name=one
			2/a consumer b messaging.system=kafka messaging.destination.name=one link=1/b
			2/b<a producer b messaging.system=kafka messaging.destination.name=two
			3/a consumer c messaging.system=kafka messaging.destination.name=two link=2/b
			3/b<a client c server.address=api.example.com`, `
			a => topic:kafka:one kafka 1/0
			b <= topic:kafka:one kafka 1/0
			b => topic:kafka:two kafka 1/0
			c <= topic:kafka:two kafka 1/0
			c > host:api.example.com http 1/0
			flow a > topic:kafka:one > b 1
			flow b > topic:kafka:two > c 1
			entry a 1
			reach a topic:kafka:one 1
			reach a b 1
			reach a topic:kafka:two 1
			reach a c 1
			reach a host:api.example.com 1`},
		{"a batch", `
			1/a producer p messaging.system=kafka messaging.destination.name=t
			2/a producer p messaging.system=kafka messaging.destination.name=t
			3/a consumer c messaging.system=kafka messaging.destination.name=t messaging.batch.message_count=3 link=1/a link=2/a link=2/a ERROR`, `
			p => topic:kafka:t kafka 2/0
			c <= topic:kafka:t kafka 3/3
			flow p > topic:kafka:t > c 3
			entry p 2`},
		{"to process wins over to receive, within", `
			1/a producer p messaging.system=kafka messaging.destination.name=t
			2/a producer p messaging.system=kafka messaging.destination.name=t
			3/r consumer c messaging.system=kafka messaging.destination.name=t messaging.operation=receive link=1/a link=2/a
			3/x<r consumer c messaging.system=kafka messaging.destination.name=t messaging.operation=process link=1/a
			3/y<r consumer c messaging.system=kafka messaging.destination.name=t messaging.operation=process link=2/a`, `
			p => topic:kafka:t kafka 2/0
			c <= topic:kafka:t kafka 2/0
			flow p > topic:kafka:t > c 2
			entry p 2`},
		{"to process wins over to receive, whose links it lacks", `
			1/a producer p messaging.system=kafka messaging.destination.name=t
			2/a producer p messaging.system=kafka messaging.destination.name=t
			3/r client c messaging.system=kafka messaging.destination.name=t messaging.operation.type=receive link=1/a link=2/a
			3/x<r consumer c messaging.system=kafka messaging.destination.name=t messaging.operation.type=process`, `
			p => topic:kafka:t kafka 2/0
			c <= topic:kafka:t kafka 2/0
			flow p > topic:kafka:t > c 2
			entry p 2`},
		{"to process wins over to receive, in other traces", `
			1/a producer p messaging.system=rabbitmq messaging.destination.name=t
			1/b<a consumer c messaging.system=rabbitmq messaging.destination.name=t messaging.operation=process
			2/a client c messaging.system=rabbitmq messaging.destination.name=t messaging.operation=receive link=1/a
			3/a producer p messaging.system=rabbitmq messaging.destination.name=t
			4/a consumer c messaging.system=rabbitmq messaging.destination.name=t messaging.operation=process link=3/a
			5/a consumer c messaging.system=rabbitmq messaging.destination.name=t messaging.operation=receive link=3/a`, `
			p => topic:rabbitmq:t rabbitmq 2/0
			c <= topic:rabbitmq:t rabbitmq 2/0
			flow p > topic:rabbitmq:t > c 2
			entry p 2`},
		{"received and never processed", `
			1/a producer p messaging.system=kafka messaging.destination.name=t
			2/a consumer c messaging.system=kafka messaging.destination.name=t messaging.operation=receive link=1/a`, `
			p => topic:kafka:t kafka 1/0
			c <= topic:kafka:t kafka 1/0
			flow p > topic:kafka:t > c 1
			entry p 1`},
		{"to settle is nothing", `
			1/a producer p messaging.system=servicebus messaging.destination.name=t messaging.operation.type=send
			1/b<a consumer c messaging.system=servicebus messaging.destination.name=t messaging.operation.type=process
			1/c<b client c messaging.system=servicebus messaging.destination.name=t messaging.operation.type=settle
			2/a client c messaging.system=servicebus messaging.destination.name=t messaging.operation.type=settle link=1/a`, `
			p => topic:servicebus:t servicebus 1/0
			c <= topic:servicebus:t servicebus 1/0
			flow p > topic:servicebus:t > c 1
			entry p 1`},
		{"to create beside to send, as siblings, above and linked", `
			1/a server p
			1/b<a producer p messaging.system=kafka messaging.destination.name=t messaging.operation.type=create
			1/c<a producer p messaging.system=kafka messaging.destination.name=t messaging.operation.type=create
			1/d<a client p messaging.system=kafka messaging.destination.name=t messaging.operation.type=send link=1/b link=1/c
			1/e<b consumer c messaging.system=kafka messaging.destination.name=t messaging.operation.type=process
			2/a consumer c messaging.system=kafka messaging.destination.name=t messaging.operation.type=process link=1/c`, `
			p => topic:kafka:t kafka 1/0
			c <= topic:kafka:t kafka 2/0
			flow p > topic:kafka:t > c 2
			entry p 1`},
		{"to send what was created around it", `
			1/a server p
			1/b<a producer p messaging.system=kafka messaging.destination.name=t messaging.operation.type=create
			1/c<b client p messaging.system=kafka messaging.destination.name=t messaging.operation.type=send
			1/d<b consumer c messaging.system=kafka messaging.destination.name=t messaging.operation.type=process`, `
			p => topic:kafka:t kafka 1/0
			c <= topic:kafka:t kafka 1/0
			flow p > topic:kafka:t > c 1
			entry p 1`},
		{"only created, as far as was seen", `
			1/b producer p messaging.system=kafka messaging.destination.name=t messaging.operation.type=create`, `
			p => topic:kafka:t kafka 1/0
			entry p 1`},
		{"the producer's word for the topic", `
			1/a producer p messaging.system=rabbitmq messaging.destination.name=ex:key
			1/b<a consumer c messaging.system=rabbitmq messaging.destination.name=ex:key:queue
			2/a producer p messaging.system=aws_sns messaging.destination.name=news
			3/a consumer c messaging.system=aws_sqs messaging.destination.name=c-queue link=2/a`, `
			p => topic:rabbitmq:ex:key rabbitmq 1/0
			c <= topic:rabbitmq:ex:key rabbitmq 1/0
			p => topic:aws_sns:news aws_sns 1/0
			c <= topic:aws_sns:news aws_sqs 1/0
			flow p > topic:rabbitmq:ex:key > c 1
			flow p > topic:aws_sns:news > c 1
			entry p 2`},
		{"only the consumer names the topic", `
			1/a producer p
			1/b<a consumer c messaging.system=rabbitmq messaging.destination=q
			2/a producer p
			3/a consumer d messaging.system=rabbitmq messaging.destination=r link=2/a`, `
			p => topic:rabbitmq:q rabbitmq 1/0
			c <= topic:rabbitmq:q rabbitmq 1/0
			p => topic:rabbitmq:r rabbitmq 1/0
			d <= topic:rabbitmq:r rabbitmq 1/0
			flow p > topic:rabbitmq:q > c 1
			flow p > topic:rabbitmq:r > d 1
			entry p 2`},
		{"nobody names the topic", `
			1/a producer p net.peer.name=broker
			1/b<a consumer c
			2/a producer p
			3/a consumer c link=2/a
			4/a producer p
			5/a producer p net.peer.name=broker`, `
			c <- p - 2/0
			p > host:broker - 1/0
			flow p > - > c 2
			lost unmatched_client 1
			entry p 4`},
		{"consumers of nobody's messages", `
			1/a consumer c messaging.system=kafka messaging.destination.name=t
			2/a consumer c
			3/a<x consumer c messaging.system=kafka messaging.destination.name=t
			4/a consumer c messaging.system=kafka messaging.destination.name=t link=9/z
			5/a consumer c messaging.system=kafka messaging.destination.name=t peer.service=p
			6/a consumer c peer.service=p`, `
			c <= topic:kafka:t kafka 4/0
			c <- p - 1/0
			flow p > topic:kafka:t > c 1
			flow p > - > c 1
			lost unlinked_consumer 4
			lost missing_parent 1`},
		{"a sender without a span of its own", `
			1/a server p
			1/b<a consumer c messaging.system=kafka messaging.destination.name=t
			2/a server p
			3/a consumer c messaging.system=kafka messaging.destination.name=t link=2/a`, `
			c <= topic:kafka:t kafka 2/0
			flow p > topic:kafka:t > c 2
			entry p 2`},
		{"a sender that is a client", `
			1/a server p
			1/b<a client p server.address=sqs.eu-west-1.amazonaws.com rpc.system=aws-api
			1/c<b consumer c messaging.system=aws_sqs messaging.destination.name=q`, `
			p => topic:aws_sqs:q aws_sqs 1/0
			c <= topic:aws_sqs:q aws_sqs 1/0
			flow p > topic:aws_sqs:q > c 1
			entry p 1`},
		{"the call below a sender that carries it", `
			1/a server p
			1/b<a producer p messaging.system=aws_sqs messaging.destination.name=q
			1/c<b client p server.address=sqs.eu-west-1.amazonaws.com`, `
			p => topic:aws_sqs:q aws_sqs 1/0
			entry p 1`},
		{"nested producers and consumers", `
			1/a producer p messaging.system=kafka messaging.destination.name=t
			1/b<a producer p messaging.system=kafka messaging.destination.name=t
			1/c<b consumer c messaging.system=kafka messaging.destination.name=t
			1/d<c consumer c messaging.system=kafka messaging.destination.name=t
			1/e<d client c server.address=x`, `
			p => topic:kafka:t kafka 1/0
			c <= topic:kafka:t kafka 1/0
			c > host:x http 1/0
			flow p > topic:kafka:t > c 1
			entry p 1`},
		{"one's own message", `
			1/a producer p messaging.system=kafka messaging.destination.name=t
			1/b<a consumer p messaging.system=kafka messaging.destination.name=t
			2/a producer p
			2/b<a consumer p`, `
			p => topic:kafka:t kafka 1/0
			p <= topic:kafka:t kafka 1/0
			flow p > topic:kafka:t > p 1
			lost self_call 1
			entry p 2`},
		{"kinds are missing", `
			1/a none p messaging.system=kafka messaging.destination=t messaging.operation=publish
			1/b<a none c messaging.system=kafka messaging.destination=t messaging.operation=process
			1/c<b none c db.system=redis server.address=cache`, `
			p => topic:kafka:t kafka 1/0
			c <= topic:kafka:t kafka 1/0
			c > db:redis:cache/0 redis 1/0
			flow p > topic:kafka:t > c 1
			entry p 1`},
		{"what sends says no system", `
			1/a producer p messaging.destination=t
			1/b<a consumer c messaging.system=kafka messaging.destination=t`, `
			p => topic:kafka:t kafka 1/0
			c <= topic:kafka:t kafka 1/0
			flow p > topic:kafka:t > c 1
			entry p 1`},
		{"sampled", `
			1/a producer p messaging.system=kafka messaging.destination=t ot=th:c
			2/a consumer c messaging.system=kafka messaging.destination=t ot=th:8 link=1/a`, `
			p => topic:kafka:t kafka 4/0
			c <= topic:kafka:t kafka 2/0
			flow p > topic:kafka:t > c 2
			entry p 4
			reach p topic:kafka:t 4
			reach p c 4`},
	})
}

func TestStrength(t *testing.T) {
	requests := func(n int, request string) string {
		script := ""
		for i := range n {
			script += strings.ReplaceAll(request, "#", string(rune('a'+i/26))+string(rune('a'+i%26))) + "\n"
		}
		return script
	}
	check(t, []rule{
		{"the last of the calls counts", requests(12, `
			#/a server w
			#/b<a client w server.address=h start=5 ERROR
			#/c<a client w server.address=h start=10`), `
			w > host:h http 24/12
			entry w 12`},
		{"the request of the caller, over spans in between", requests(12, `
			#/a server w ERROR
			#/i<a internal w
			#/b<i client w server.address=h start=5
			#/c<i client w server.address=h start=10 ERROR`) + requests(12, `
			x#/a server w
			x#/b<a client w server.address=h`), `
			w > host:h http 36/12 HARD
			entry w 24`},
		{"a request that is nothing but the call", requests(12, `
			#/a client w server.address=h ERROR`), `
			w > host:h http 12/12
			entry w 12`},
		{"a send", requests(12, `
			#/a server w ERROR
			#/b<a producer w messaging.system=kafka messaging.destination=t ERROR`), `
			w => topic:kafka:t kafka 12/12 HARD
			entry w 12`},
		{"calls that are served in the next hour", requests(12, `
			#/a server w ERROR start=3599990
			#/b<a client w start=3599995
			#/c<b server v start=3600005 ERROR`), `
			w > v http 12/12 HARD
			entry w 12`},
	})
}
