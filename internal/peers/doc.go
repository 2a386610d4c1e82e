// Package peers compares Orrery's health checks with four well-known checkers of Kubernetes manifests: kube-score,
// kube-linter, polaris and kubescape. It holds tests only.
//
// Each file of testdata/cases is a manifest that asks one question, with what is right and the Kubernetes rule why. What
// the three programs said of it is recorded in testdata/verdicts.jsonl; with ORRERY_PEERS set they are run again (kube-score
// from the module in tools, the others as found on PATH) and have to say the same. The rules of kubescape are stated here.
// docs/health-compared.md shows the table; -update writes it, and with ORRERY_PEERS the record, anew.
package peers
