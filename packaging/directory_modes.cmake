# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
#
# CPack makes directories as the builder's umask has it, and GNU tar gives what is in a tarball to those that are
# there already: under umask 077 one would close /usr/bin of a host. CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
# leaves them so (cmake 3.25).
execute_process(COMMAND find ${CPACK_TEMPORARY_INSTALL_DIRECTORY} -type d -exec chmod 755 {} +
  COMMAND_ERROR_IS_FATAL ANY)
