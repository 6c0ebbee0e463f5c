# Images and manifests; the rest is in docker/ and k8s/.
# SPDX-License-Identifier: Apache-2.0

.PHONY: images k8s-config k8s-render k8s-test
images: ## an image for each program, by Docker or, without a daemon, by buildah; SERVICE=name: that one
	@docker/images $(SERVICE)
k8s-config: all ## the ConfigMaps of k8s/services, from what the services' --help prints
	@k8s/config
k8s-render: deps ## manifests rendered, validated and held to the rules; needs kubectl, but no cluster
	@tests/stack/deps k8s
	@$(MAKE) all && tests/k8s/render
k8s-test: deps ## images, manifests, and the pods of overlays/dev under podman while they are killed
	@tests/stack/deps k8s
	@$(MAKE) all && env -u MAKEFLAGS -u MFLAGS tests/k8s/run
