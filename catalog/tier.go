package catalog

import "strings"

// AnnotationTier is where an entity says how critical it is.
const AnnotationTier = "orrery.dev/tier"

// Tier is how critical the entity is, from 1 (most) to 4 (least); 0 where it says nothing or anything else.
func (d *Descriptor) Tier() int {
	if tier := strings.TrimSpace(d.Annotations[AnnotationTier]); len(tier) == 1 && tier >= "1" && tier <= "4" {
		return int(tier[0] - '0')
	}
	return 0
}
