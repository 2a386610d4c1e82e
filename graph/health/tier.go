package health

import (
	"fmt"

	"github.com/orrery-catalog/orrery/catalog"
)

func asking(tier int) string {
	if tier == 0 {
		return "without a tier, it should have"
	}
	return fmt.Sprintf("tier %d asks for", tier)
}

func severityByTier(tier int) catalog.Severity {
	if tier == 1 || tier == 2 {
		return catalog.Error
	}
	return catalog.Warning
}
