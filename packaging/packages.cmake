# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
#
# What is installed where, in two components that are two packages: `controller` (kongfleet) for the machine
# that rolls out, `agent` (kongfleet-agent) for every host.
#   cmake --install BUILD --component agent --prefix /usr
#   cd BUILD && cpack -G DEB      (or RPM, or TGZ)
include(GNUInstallDirs)
set(units lib/systemd/system)

install(TARGETS kongfleet DESTINATION bin COMPONENT controller)
# What the JSON means that this version prints, beside the version that prints it.
install(FILES controller/kongfleet-1.schema.json
  DESTINATION share/kongfleet COMPONENT controller)
# Both rest until somebody turns them on: a timer is enabled for a fleet, the crontab is copied.
install(FILES systemd/controller/kongfleet-sync@.service systemd/controller/kongfleet-sync@.timer
  DESTINATION ${units} COMPONENT controller)
install(FILES packaging/cron.d/kongfleet-sync
  DESTINATION share/doc/kongfleet/examples/cron.d COMPONENT controller)
# What old hosts need before a bootstrap: whoever runs one has it here.
install(FILES systemd/sshd_config.d/kongfleet.conf
  DESTINATION share/doc/kongfleet/examples/sshd_config.d COMPONENT controller)
install(FILES systemd/examples/kongfleet-agent.service.d/systemd-before-239.conf
  DESTINATION share/doc/kongfleet/examples/kongfleet-agent.service.d COMPONENT controller)
install(FILES packaging/copyright README.md ${CMAKE_BINARY_DIR}/kongfleet.spdx.json
  DESTINATION share/doc/kongfleet COMPONENT controller)

install(TARGETS kongfleet-agent DESTINATION bin COMPONENT agent)
install(FILES systemd/kongfleet-agent.service systemd/kongfleet-agent.socket
  systemd/kongfleet-recover.service DESTINATION ${units} COMPONENT agent)
install(FILES systemd/sysusers.d/kongfleet.conf DESTINATION lib/sysusers.d COMPONENT agent)
install(FILES systemd/tmpfiles.d/kongfleet.conf DESTINATION lib/tmpfiles.d COMPONENT agent)
# A copy of it goes to /etc/ssh/sshd_config.d once, when a package is installed: from then on it is the host's.
install(FILES systemd/sshd_config.d/kongfleet.conf
  DESTINATION share/kongfleet-agent/sshd_config.d COMPONENT agent)
install(FILES packaging/examples/agent.toml
  DESTINATION share/doc/kongfleet-agent/examples COMPONENT agent)
install(DIRECTORY systemd/examples/
  DESTINATION share/doc/kongfleet-agent/examples COMPONENT agent)
install(FILES packaging/copyright ${CMAKE_BINARY_DIR}/kongfleet-agent.spdx.json
  DESTINATION share/doc/kongfleet-agent COMPONENT agent)
install(FILES packaging/deb/lintian-overrides DESTINATION share/lintian/overrides
  RENAME kongfleet-agent COMPONENT agent)

# Debian wants it compressed, and the same bytes from the same source.
set(changelog ${CMAKE_BINARY_DIR}/changelog.gz)
execute_process(COMMAND gzip -n9c ${CMAKE_SOURCE_DIR}/packaging/changelog
  OUTPUT_FILE ${changelog} COMMAND_ERROR_IS_FATAL ANY)
install(FILES ${changelog} DESTINATION share/doc/kongfleet COMPONENT controller)
install(FILES ${changelog} DESTINATION share/doc/kongfleet-agent COMPONENT agent)

set(CPACK_PACKAGE_NAME kongfleet)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_VENDOR "The kongfleet authors")
set(CPACK_PACKAGE_CONTACT "The kongfleet authors <maintainers@kongfleet.example>")
set(CPACK_COMPONENTS_ALL controller agent)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/packaging/directory_modes.cmake)
set(CPACK_COMPONENT_CONTROLLER_DESCRIPTION
  "rolls Kong plugins out to fleets of hosts\nThe controller: plans, rolls out wave by wave over SSH, and takes\nback by itself what does harm.")
set(CPACK_COMPONENT_AGENT_DESCRIPTION
  "deploys Kong plugins on this host and takes them back\nThe agent: places the files, has Kong reload, proves that the new\ncode is what serves, and goes back when it is not.")

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_NAME kongfleet)
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_DEPENDS "openssh-client")
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_RECOMMENDS "git")
set(CPACK_DEBIAN_AGENT_PACKAGE_NAME kongfleet-agent)
set(CPACK_DEBIAN_AGENT_PACKAGE_SHLIBDEPS OFF)  # it needs no library
set(CPACK_DEBIAN_AGENT_PACKAGE_RECOMMENDS "openssh-server, systemd")
set(scripts ${CMAKE_SOURCE_DIR}/packaging/deb)
set(CPACK_DEBIAN_AGENT_PACKAGE_CONTROL_EXTRA
  "${scripts}/postinst;${scripts}/prerm;${scripts}/postrm")
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_CONTROL_EXTRA
  "${scripts}/controller/postinst;${scripts}/controller/prerm;${scripts}/controller/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE Apache-2.0)
set(CPACK_RPM_CONTROLLER_PACKAGE_NAME kongfleet)
set(CPACK_RPM_CONTROLLER_PACKAGE_REQUIRES openssh-clients)
set(CPACK_RPM_AGENT_PACKAGE_NAME kongfleet-agent)
set(CPACK_RPM_AGENT_PACKAGE_AUTOREQ OFF)
set(CPACK_RPM_AGENT_POST_INSTALL_SCRIPT_FILE ${CMAKE_SOURCE_DIR}/packaging/rpm/post)
set(CPACK_RPM_AGENT_PRE_UNINSTALL_SCRIPT_FILE ${CMAKE_SOURCE_DIR}/packaging/rpm/preun)
set(CPACK_RPM_AGENT_POST_UNINSTALL_SCRIPT_FILE ${CMAKE_SOURCE_DIR}/packaging/rpm/postun)
set(scripts ${CMAKE_SOURCE_DIR}/packaging/rpm/controller)
set(CPACK_RPM_CONTROLLER_POST_INSTALL_SCRIPT_FILE ${scripts}/post)
set(CPACK_RPM_CONTROLLER_PRE_UNINSTALL_SCRIPT_FILE ${scripts}/preun)
set(CPACK_RPM_CONTROLLER_POST_UNINSTALL_SCRIPT_FILE ${scripts}/postun)
# Its own scripts would strip once more, and differently: every package ships the same program. And, as Debian's
# tools do by themselves, with SOURCE_DATE_EPOCH it is the same package every time.
set(CPACK_RPM_SPEC_MORE_DEFINE "%global __os_install_post %{nil}
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global _buildhost localhost")
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
  /usr/lib/systemd /usr/lib/systemd/system /usr/lib/sysusers.d
  /usr/lib/tmpfiles.d /usr/share/man /usr/share/man/man1 /usr/share/man/man5 /usr/share/man/man7
  /usr/share/man/man8 /usr/share/bash-completion /usr/share/bash-completion/completions
  /usr/share/zsh /usr/share/zsh/vendor-completions /usr/share/fish
  /usr/share/fish/vendor_completions.d)

set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
include(CPack)
