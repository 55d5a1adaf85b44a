// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/exported_files.hpp"
#include "controller/release.hpp"

namespace kongfleet::controller {

/// The release for Kubernetes, where Kong finds it below /opt:
/// - configmaps.yaml: a ConfigMap for each directory, since keys have no '/', and for each file at
///   the top of the tree;
/// - values.yaml: for the official Helm chart (kong/kong), which mounts them;
/// - deployment-patch.yaml: the same for a Deployment of one's own with a container "proxy", as a
///   strategic merge patch;
/// - deployment.yaml: a whole Deployment without a database, and its Service.
/// All carry the release's digest as an annotation of the pods, so that a new release starts new
/// ones: Kong does not notice a changed ConfigMap. Pure, the same bytes each time. Throws Error for
/// a name that the chart makes no name of Kubernetes' of, and for a directory above 1 MiB.
ExportedFiles kubernetes_manifests_of(const Release& release);

}  // namespace kongfleet::controller
