{{/* Image of a component: its repository with digest, else tag, else the chart's appVersion. */}}
{{- define "guardbee.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .chart.AppVersion }}
{{- end -}}
{{- end -}}

