from ansible_tools import *
from capistrano_tool import *
ALL=[Capistrano,Ansible,Mitogen]
