package inventory

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
)

// trimTemplate keeps of a pod template what says how it is reached, asked for its health, configured and spread.
func trimTemplate(template *corev1.PodTemplateSpec) {
	template.ObjectMeta = v1.ObjectMeta{Labels: template.Labels, Annotations: annotations(template.Annotations)}
	trimSpec(&template.Spec)
}

func trimSpec(spec *corev1.PodSpec) {
	kept := corev1.PodSpec{
		InitContainers: spec.InitContainers, Containers: spec.Containers, Volumes: configured(spec.Volumes),
		RestartPolicy: spec.RestartPolicy, TerminationGracePeriodSeconds: spec.TerminationGracePeriodSeconds,
		NodeName: spec.NodeName, HostNetwork: spec.HostNetwork, Hostname: spec.Hostname, Subdomain: spec.Subdomain,
		HostAliases: spec.HostAliases, TopologySpreadConstraints: spec.TopologySpreadConstraints,
	}
	if spec.Affinity != nil && spec.Affinity.PodAntiAffinity != nil {
		kept.Affinity = &corev1.Affinity{PodAntiAffinity: spec.Affinity.PodAntiAffinity}
	}
	for _, containers := range [][]corev1.Container{kept.InitContainers, kept.Containers} {
		for i := range containers {
			containers[i] = trimContainer(&containers[i])
		}
	}
	*spec = kept
}

func trimContainer(c *corev1.Container) corev1.Container {
	return corev1.Container{
		Name: c.Name, Image: c.Image, Command: c.Command, Args: c.Args, Ports: c.Ports, EnvFrom: c.EnvFrom, Env: c.Env,
		VolumeMounts: c.VolumeMounts, LivenessProbe: c.LivenessProbe, ReadinessProbe: c.ReadinessProbe,
		StartupProbe: c.StartupProbe, RestartPolicy: c.RestartPolicy,
	}
}

// configured are the volumes that hold ConfigMaps, without what else is in them.
func configured(volumes []corev1.Volume) []corev1.Volume {
	var kept []corev1.Volume
	for _, volume := range volumes {
		switch {
		case volume.ConfigMap != nil:
			kept = append(kept, corev1.Volume{Name: volume.Name, VolumeSource: corev1.VolumeSource{ConfigMap: volume.ConfigMap}})
		case volume.Projected != nil:
			var sources []corev1.VolumeProjection
			for _, source := range volume.Projected.Sources {
				if source.ConfigMap != nil {
					sources = append(sources, corev1.VolumeProjection{ConfigMap: source.ConfigMap})
				}
			}
			if len(sources) > 0 {
				kept = append(kept, corev1.Volume{
					Name: volume.Name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: sources}},
				})
			}
		}
	}
	return kept
}
