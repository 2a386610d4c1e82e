// Package edges tells from their configuration what workloads need. A name in a value is no proof by itself: databases,
// topics and log prefixes are called like Services. The rules by which a host is believed, each with its reason:
//
// What is read.
//   - Variables, arguments and commands of all containers, and the ConfigMaps that a workload reads: by single keys, whole
//     as variables, or mounted as files. Secrets are never read.
//   - $(NAME) is replaced as the kubelet does it, since charts make addresses of parts.
//   - KUBERNETES_* and injected X_SERVICE_HOST, X_PORT … that hold an address are passed over: every pod has them for every
//     Service, whatever it calls.
//   - What a feature has that is switched off (X_ENABLED=false) is passed over, wherever in the container it is switched off.
//   - Lists of those who may call or need no proxy (CORS, NO_PROXY, allowed, redirect …), what a program listens on, secrets
//     and examples name nobody who is called (hosts.NamesNone).
//
// Which host is one of a Service.
//   - By the rules of the cluster's DNS: name, name.namespace, name.namespace.svc[.domain], pod.name… of a headless one. An
//     ExternalName is followed. An IP address counts if it is that of a Service. In files, names also reach between the
//     namespace default and another, since files that state none are applied with the others; and so do those of a namespace
//     that only names state.
//   - A URL, or host:port, that a Service answers is believed: nobody writes one for something else. If host:port has a port
//     that the Service does not have, the name of the setting must say that it is a host: image:1 and size:10 look alike.
//   - A name with a dot is believed if the setting is not named after something else: shop.cart is as well a topic.
//   - A single word is believed only if the setting is named after a host: DB_HOST=orders, but not DB_NAME=orders.
//   - An address of the workload itself is no edge, nor is the API server's. Jobs are not behind a Service beside others, and
//     the pods by which charts are tested are no part of what runs.
//
// Whose it is.
//   - A single key that a workload picks of a ConfigMap is its own choice, and proof, and so is a value of its own. So is a
//     file or map that it alone reads. Only where many have made all the same choices, themselves among them, did a tool
//     that converts files of variables choose for them.
//   - A list of hosts that many read proves nobody's dependency. A list is what stands together: the hosts of a ConfigMap
//     that is taken whole as variables, or of one file in it. Copies of a list count as one, and so does a list from which
//     each reader's own name is left out. See believed for the numbers. Where traces and metrics go, everybody does
//     what the list says.
//   - Files are for the programs that know them. One that most have who run one image says nothing of other images beside
//     it, and no application's file says anything of a stock redis or mongo: charts mount them into all pods alike.
//
// What is outside.
//   - A public name becomes an External: one under a suffix of the public suffix list, or that a ServiceEntry states. It must
//     stand in a URL or with a port, or the setting be named after a host. In files, where links and namespaces of XML
//     abound, the setting must always be named after a host. One's own public address, which browsers call, is none, and
//     neither is a host of an Ingress.
//   - A host without a dot, or of the cluster's domain, that no Service answers is a Problem, dangling-host, where it must be
//     meant as a host. It is no edge: it may be the rest of another environment.
//
// How it is needed.
//   - Messages and telemetry are ASYNC. What an init container waits for is HARD, whatever it is. The rest is unstated.
//   - A NetworkPolicy that lets an edge pass by name supports it: more evidence. One that stops it is a Problem on the source.
//     A policy alone is no edge: it says what may be, not what is.
//   - Istio leads requests from a gateway to the workloads of a VirtualService's destinations. Without a gateway, a
//     VirtualService only says how requests go that others make.
package edges
