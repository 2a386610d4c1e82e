package pairing_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// Whatever attribute a URL with credentials stands in, they are in nothing that is counted.
func TestSecretsAreNotCounted(t *testing.T) {
	const url = "https://user:SECRET@h.example.com/SHOWN?key=SECRET#SECRET"
	for _, attributes := range []string{
		"server.address=" + url,
		"server.address=h peer.service=" + url,
		"service.peer.name=" + url,
		"url.full=" + url,
		"db.system.name=postgresql server.address=h db.namespace=" + url,
		"db.system.name=postgresql server.address=h name=" + url,
		"db.system.name=postgresql server.address=h db.operation.name=" + url,
		"db.system.name=aws.dynamodb server.address=h aws.dynamodb.table_names=" + url,
		"messaging.system=aws_sqs messaging.destination.name=" + url,
		"messaging.system=aws_sqs messaging.operation.name=create messaging.destination.name=" + url,
		"messaging.system=rabbitmq messaging.rabbitmq.destination.routing_key=" + url,
		"rpc.system=grpc server.address=h rpc.method=" + url,
		"http.request.method=GET http.route=" + url,
		"name=" + url,
		"name=GET+" + url,
		"name=https://user:SECRET",
		"name=https://user:SECRET/SECRET@h.example.com/",
		"messaging.system=aws_sqs messaging.destination.name=https://user:SECRET/SECRET?SECRET@h.example.com/",
	} {
		for _, kind := range []string{"client", "producer", "consumer", "none", "server"} {
			counts := paired(t, scripted(t, fmt.Sprintf("1/a server shop/web\n1/b<a client shop/web\n1/c<b %s shop/pay %s", kind, attributes)))
			if said := names(counts); strings.Contains(strings.ToUpper(said), "SECRET") {
				t.Errorf("%s of %s is counted as %s", kind, attributes, said)
			}
		}
	}
}

// A URL without anything secret stays what it is: queues are told apart by theirs.
func TestURLsAreNames(t *testing.T) {
	check(t, []rule{{"queues", `
		1/a producer shop/web messaging.system=aws_sqs messaging.destination.name=https://sqs.eu-west-1.amazonaws.com/1/orders
		1/b producer shop/web messaging.system=pulsar messaging.destination.name=persistent://my_tenant/ns/orders`, `
		shop/web => topic:aws_sqs:https://sqs.eu-west-1.amazonaws.com/1/orders aws_sqs 1/0
		shop/web => topic:pulsar:persistent://my_tenant/ns/orders pulsar 1/0
		entry shop/web 2`}})
}

// names are all that counts are about.
func names(counts *traffic.Counts) string {
	var all strings.Builder
	for key, flow := range counts.Flows {
		fmt.Fprintln(&all, key, flow.Protocol, flow.Operations)
	}
	aliases := []catalog.Alias{}
	for key, service := range counts.Services {
		aliases = append(append(aliases, key.Alias), service.Aliases...)
	}
	for key := range counts.Deliveries {
		aliases = append(aliases, key.Consumer, key.Topic, key.Producer)
	}
	for key := range counts.Reach {
		aliases = append(aliases, key.Entry, key.Touched)
	}
	fmt.Fprintln(&all, aliases)
	return all.String()
}
