"""Series of hosts, with the names and types of Telegraf's inputs on Linux, so that its dashboards work."""

from tsmon.points.host.base import HostPoint
from tsmon.points.host.cpu import Cpu
from tsmon.points.host.disks import Disk, DiskIO
from tsmon.points.host.memory import Memory, Swap
from tsmon.points.host.network import Network
from tsmon.points.host.processes import Processes
from tsmon.points.host.system import System

__all__ = ["Cpu", "Disk", "DiskIO", "HostPoint", "Memory", "Network", "Processes", "Swap", "System"]
